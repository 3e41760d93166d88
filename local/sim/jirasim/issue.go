package jirasim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// timeFormat is Jira's.
const timeFormat = "2006-01-02T15:04:05.000-0700"

// issue never changes once it is in the store.
type issue struct {
	id          int64
	number      int
	project     *project
	kind        *issueType
	status      *status
	priority    *priority
	parent      *issue
	summary     string
	description json.RawMessage // ADF; nil: none
	labels      []string
	created     time.Time
	indexed     time.Time // when searches begin to find it
	more        map[string]json.RawMessage
	properties  map[string]json.RawMessage
}

func (i *issue) key() string { return fmt.Sprintf("%s-%d", i.project.key, i.number) }

func (i *issue) names() []string { return []string{i.key(), strconv.FormatInt(i.id, 10)} }

func (i *issue) self(base string) string { return fmt.Sprintf("%s/rest/api/3/issue/%d", base, i.id) }

// text is what text searches read.
func (i *issue) text() string { return i.summary + "\n" + plainText(i.description) }

// fields are all of the issue's, as JSON.
func (i *issue) fields(base, email string) map[string]any {
	fields := map[string]any{
		"summary":     i.summary,
		"description": i.description,
		"labels":      i.labels,
		"project":     i.project.json(base),
		"issuetype":   i.kind.json(base),
		"status":      i.status.json(base),
		"priority":    i.priority.json(base),
		"created":     i.created.Format(timeFormat),
		"updated":     i.created.Format(timeFormat),
		"creator":     user(base, email),
		"reporter":    user(base, email),
		"assignee":    nil,
		"resolution":  nil,
		"environment": nil,
		"duedate":     nil,
		"comment": map[string]any{
			"self": i.self(base) + "/comment", "comments": []any{}, "maxResults": 0, "startAt": 0, "total": 0,
		},
	}
	if i.parent != nil {
		fields["parent"] = map[string]any{
			"id": i.parent.names()[1], "key": i.parent.key(), "self": i.parent.self(base),
			"fields": map[string]any{
				"summary": i.parent.summary, "status": i.parent.status.json(base), "issuetype": i.parent.kind.json(base),
			},
		}
	}
	for name, value := range i.more {
		fields[name] = value
	}
	return fields
}

// selection is what a request wants of each issue.
type selection struct {
	fields     []string // names, *all, *navigable, or -name
	properties []string
	names      bool // expand=names
}

// bare says that no field is wanted beyond those outside "fields".
func (s selection) bare() bool {
	for _, field := range s.fields {
		if field != "id" && field != "key" {
			return false
		}
	}
	return true
}

// pick reduces all fields to the wanted ones. Unknown names are ignored.
func (s selection) pick(all map[string]any) map[string]any {
	picked := map[string]any{}
	for _, field := range s.fields {
		name, drop := strings.CutPrefix(field, "-")
		value, known := all[name]
		switch {
		case drop:
		case field == "*all" || field == "*navigable":
			maps.Copy(picked, all)
			if field == "*navigable" {
				delete(picked, "comment")
			}
		case known:
			picked[name] = value
		}
	}
	for _, field := range s.fields {
		if name, drop := strings.CutPrefix(field, "-"); drop {
			delete(picked, name)
		}
	}
	return picked
}

// json is the issue as it is answered.
func (i *issue) json(base, email string, s selection) map[string]any {
	bean := map[string]any{"id": strconv.FormatInt(i.id, 10)}
	if slices.Equal(s.fields, []string{"id"}) && len(s.properties) == 0 {
		return bean
	}
	bean["key"], bean["self"], bean["expand"] = i.key(), i.self(base), "names"
	if !s.bare() {
		bean["fields"] = s.pick(i.fields(base, email))
	}
	if len(s.properties) > 0 {
		bean["properties"] = i.pickProperties(s.properties)
	}
	return bean
}

func (i *issue) pickProperties(keys []string) map[string]json.RawMessage {
	picked := map[string]json.RawMessage{}
	for _, key := range keys {
		if value, ok := i.properties[key]; ok {
			picked[key] = value
		}
	}
	return picked
}

// fieldNames is what expand=names adds for the picked fields.
func fieldNames(picked map[string]any) map[string]string {
	names := map[string]string{}
	for id := range picked {
		switch id {
		case "issuetype":
			names[id] = "Issue Type"
		case "duedate":
			names[id] = "Due date"
		default:
			names[id] = strings.ToUpper(id[:1]) + id[1:]
		}
	}
	return names
}

func user(base, email string) map[string]any {
	const id = "5b10a2844c20165700ede21g"
	return map[string]any{
		"self":         base + "/rest/api/3/user?accountId=" + id,
		"accountId":    id,
		"accountType":  "atlassian",
		"emailAddress": email,
		"displayName":  "Local Bot",
		"active":       true,
		"timeZone":     "Etc/UTC",
		"avatarUrls":   avatars(base, "user/"+id),
	}
}
