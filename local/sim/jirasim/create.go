package jirasim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

// Limits of Jira's fields, in characters.
const (
	maxSummary     = 255
	maxLabel       = 255
	maxDescription = 32_767
)

// Jira's words for bodies that it cannot read.
const (
	malformedBody = "There was an error parsing JSON. Check that your request body is valid."
	invalidBody   = "Invalid request payload. Refer to the REST API documentation and try again."
)

// createBody is the part of the body that is performed.
type createBody struct {
	Fields     map[string]json.RawMessage `json:"fields"`
	Properties []struct {
		Key   string          `json:"key"`
		Value json.RawMessage `json:"value"`
	} `json:"properties"`
	Update     json.RawMessage `json:"update"`
	Transition json.RawMessage `json:"transition"`
}

func (s *Simulator) createIssue(c *atlassiansim.Call) atlassiansim.Answer {
	if a, ok := c.NeedJSON(); !ok {
		return a
	}
	var body createBody
	if err := json.Unmarshal(c.Body, &body); err != nil {
		return refuse(http.StatusBadRequest, malformedBody)
	}
	if c.Identity != atlassiansim.Accepted {
		return refuseFields(map[string]string{
			"project": "Anonymous users do not have permission to create issues in this project. Please try logging in first.",
		})
	}
	if given(body.Update) || given(body.Transition) {
		return refuse(http.StatusBadRequest, "The simulator does not know 'update' and 'transition' here.")
	}
	d := s.draft(body, c.Now)
	if len(d.errors) > 0 || len(d.messages) > 0 {
		return atlassiansim.Encode(http.StatusBadRequest, errorCollection{d.messages, d.errors})
	}
	created := s.store.commit(d.issue)
	c.Created = created.key()
	return atlassiansim.Encode(http.StatusCreated, map[string]string{
		"id": created.names()[1], "key": created.key(), "self": created.self(c.Base),
	})
}

// draft is an issue on its way into the store, and what is wrong with it.
type draft struct {
	issue
	messages []string
	errors   map[string]string // by field
}

func (s *Simulator) draft(body createBody, now time.Time) *draft {
	now = now.Truncate(time.Millisecond).UTC()
	d := &draft{messages: []string{}, errors: map[string]string{}}
	d.status, d.priority = s.site.statuses[0], s.site.priorities[2]
	d.labels, d.more, d.properties = []string{}, map[string]json.RawMessage{}, map[string]json.RawMessage{}
	d.created, d.indexed = now, now.Add(s.lag())
	d.require(s, body.Fields)
	for name, value := range body.Fields {
		if !absent(value) {
			d.set(s, name, value)
		}
	}
	if d.kind != nil && d.kind.level < 0 && d.parent == nil && d.errors["parent"] == "" {
		d.errors["issuetype"] = "Issue type is a sub-task but parent issue key or id not specified."
	}
	for _, property := range body.Properties {
		if property.Key == "" || absent(property.Value) {
			d.messages = append(d.messages, invalidBody)
			continue
		}
		d.properties[property.Key] = property.Value
	}
	return d
}

// require sets the fields without which there is no issue.
func (d *draft) require(s *Simulator, fields map[string]json.RawMessage) {
	var ok bool
	if d.project, ok = named(s.site.projects, reference(fields["project"])); !ok {
		d.errors["project"] = "Specify a valid project ID or key"
		return // the types depend on it
	}
	if d.kind, ok = named(d.project.types, reference(fields["issuetype"])); !ok {
		d.errors["issuetype"] = "Specify a valid issue type"
	}
	if absent(fields["summary"]) {
		d.errors["summary"] = "You must specify a summary of the issue."
	}
}

func (d *draft) set(s *Simulator, name string, value json.RawMessage) {
	switch name {
	case "project", "issuetype":
	case "summary":
		d.setSummary(value)
	case "description":
		d.description = value
		d.judgeDocument(name, value)
	case "environment":
		d.more[name] = value
		d.judgeDocument(name, value)
	case "labels":
		if d.project != nil && d.project.unlabelled {
			d.errors[name] = offScreen(name)
			return
		}
		d.setLabels(value)
	case "priority":
		var ok bool
		if d.priority, ok = named(s.site.priorities, reference(value)); !ok {
			d.errors[name] = "Specify a valid 'id' or 'name' for Priority"
		}
	case "parent":
		var ok bool
		if d.parent, ok = named(s.store.all(), reference(value)); !ok || d.parent.project != d.project {
			d.errors[name] = "Could not find valid 'id' or 'key' for Parent"
		}
	case "assignee", "reporter", "duedate":
		d.more[name] = value
	default:
		if !isCustomField(name) {
			d.errors[name] = offScreen(name)
			return
		}
		d.more[name] = value
	}
}

func offScreen(field string) string {
	return fmt.Sprintf("Field '%s' cannot be set. It is not on the appropriate screen, or unknown.", field)
}

func (d *draft) setSummary(value json.RawMessage) {
	switch {
	case json.Unmarshal(value, &d.summary) != nil:
		d.errors["summary"] = "Operation value must be a string"
	case strings.TrimSpace(d.summary) == "":
		d.errors["summary"] = "You must specify a summary of the issue."
	case strings.ContainsAny(d.summary, "\r\n"):
		d.errors["summary"] = "The summary is invalid because it contains newline characters."
	case utf8.RuneCountInString(d.summary) > maxSummary:
		d.errors["summary"] = fmt.Sprintf("Summary can't exceed %d characters.", maxSummary)
	}
}

func (d *draft) setLabels(value json.RawMessage) {
	if json.Unmarshal(value, &d.labels) != nil {
		d.errors["labels"] = "data was not an array"
		return
	}
	for _, label := range d.labels {
		switch {
		case label == "" || strings.ContainsAny(label, " \t\r\n"):
			d.errors["labels"] = fmt.Sprintf("The label '%s' contains spaces which is invalid.", label)
		case utf8.RuneCountInString(label) > maxLabel:
			d.errors["labels"] = fmt.Sprintf("The label '%s' exceeds the maximum length for a single label.", label)
		}
	}
}

func (d *draft) judgeDocument(name string, value json.RawMessage) {
	switch wrong := judgeDocument(value); {
	case wrong == badDocument:
		d.messages = append(d.messages, badDocument)
	case wrong != "":
		d.errors[name] = wrong
	case utf8.RuneCountInString(plainText(value)) > maxDescription:
		d.errors[name] = "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
	}
}

// reference reads {"id":…}, {"key":…} or {"name":…}; ids may be numbers.
func reference(value json.RawMessage) string {
	var ref struct {
		ID   json.RawMessage `json:"id"`
		Key  string          `json:"key"`
		Name string          `json:"name"`
	}
	if absent(value) || json.Unmarshal(value, &ref) != nil {
		return ""
	}
	if !absent(ref.ID) {
		return strings.Trim(string(ref.ID), `"`)
	}
	return ref.Key + ref.Name
}

func isCustomField(name string) bool {
	id, ok := strings.CutPrefix(name, "customfield_")
	_, err := strconv.ParseUint(id, 10, 32)
	return ok && err == nil
}

func absent(value json.RawMessage) bool { return len(value) == 0 || string(value) == "null" }

// given says that an object has something in it.
func given(object json.RawMessage) bool { return !absent(object) && string(object) != "{}" }
