package confluencesim

import (
	"encoding/json"
	"html"
	"strings"
)

// content is the body of a page, as it is stored and as it is seen.
type content struct {
	storage string
	view    string // links are relative to the site
}

// as returns the body in one of the formats of the API. Base is the site's, with
// /wiki.
func (c content) as(format, base string) string {
	switch format {
	case "storage":
		return c.storage
	case "atlas_doc_format":
		return c.document()
	case "view", "editor":
		return c.view
	case "styled_view":
		return "<html><head><style>table { border: 1px solid; }</style></head><body>" + c.absolute(base) + "</body></html>"
	default: // the exports
		return c.absolute(base)
	}
}

func (c content) absolute(base string) string {
	return strings.NewReplacer(`href="/wiki/`, `href="`+base+`/`, `src="/wiki/`, `src="`+base+`/`).Replace(c.view)
}

// text is what is seen, without its structure.
func (c content) text() string {
	var b strings.Builder
	rest := c.view
	for {
		before, tag, found := strings.Cut(rest, "<")
		b.WriteString(before)
		if !found {
			return html.UnescapeString(b.String())
		}
		if _, rest, found = strings.Cut(tag, ">"); !found {
			return html.UnescapeString(b.String())
		}
		b.WriteByte(' ')
	}
}

// document is the text as an Atlassian Document, in JSON.
func (c content) document() string {
	type node map[string]any
	paragraphs := []node{}
	if text := strings.Join(strings.Fields(c.text()), " "); text != "" {
		paragraphs = append(paragraphs, node{"type": "paragraph", "content": []node{{"type": "text", "text": text}}})
	}
	document, err := json.Marshal(node{"type": "doc", "version": 1, "content": paragraphs})
	if err != nil {
		panic("confluencesim: " + err.Error())
	}
	return string(document)
}
