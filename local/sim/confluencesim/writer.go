package confluencesim

import (
	"fmt"
	"html"
	"strings"
)

// writer writes the content of a page in both forms at once: what an author
// stores, and what Confluence makes of it.
type writer struct {
	page          *page
	storage, view strings.Builder
}

func (w *writer) content() content { return content{w.storage.String(), w.view.String()} }

// both writes what looks the same in both forms.
func (w *writer) both(text string) {
	w.storage.WriteString(text)
	w.view.WriteString(text)
}

func (w *writer) heading(text string) {
	text = html.EscapeString(text)
	fmt.Fprintf(&w.storage, "<h2>%s</h2>", text)
	fmt.Fprintf(&w.view, `<h2 id="%s-%s">%s</h2>`, html.EscapeString(w.page.title), strings.ReplaceAll(text, " ", ""), text)
}

func (w *writer) paragraph(text string) { w.both("<p>" + html.EscapeString(text) + "</p>") }

func (w *writer) list(items ...string) {
	w.both("<ul>")
	for _, item := range items {
		w.both("<li><p>" + html.EscapeString(item) + "</p></li>")
	}
	w.both("</ul>")
}

// table writes rows of cells. The first row has headings.
func (w *writer) table(rows ...[]string) {
	w.storage.WriteString(`<table data-layout="default"><tbody>`)
	w.view.WriteString(`<div class="table-wrap"><table data-layout="default" class="confluenceTable"><tbody>`)
	for i, row := range rows {
		cell, class := "td", "confluenceTd"
		if i == 0 {
			cell, class = "th", "confluenceTh"
		}
		w.both("<tr>")
		for _, text := range row {
			fmt.Fprintf(&w.storage, "<%s><p>%s</p></%s>", cell, html.EscapeString(text), cell)
			fmt.Fprintf(&w.view, `<%s class="%s"><p>%s</p></%s>`, cell, class, html.EscapeString(text), cell)
		}
		w.both("</tr>")
	}
	w.storage.WriteString("</tbody></table>")
	w.view.WriteString("</tbody></table></div>")
}

// code writes a macro, which is stored as such and seen as a block.
func (w *writer) code(language, text string) {
	fmt.Fprintf(&w.storage, `<ac:structured-macro ac:name="code" ac:schema-version="1"><ac:parameter ac:name="language">%s</ac:parameter>`+
		`<ac:plain-text-body><![CDATA[%s]]></ac:plain-text-body></ac:structured-macro>`, language, text)
	fmt.Fprintf(&w.view, `<div class="code panel pdl" style="border-width: 1px;"><div class="codeContent panelContent pdl">`+
		`<pre class="syntaxhighlighter-pre" data-syntaxhighlighter-params="brush: %s; gutter: false; theme: Confluence" data-theme="Confluence">%s</pre>`+
		`</div></div>`, language, html.EscapeString(text))
}

func (w *writer) info(text string) {
	text = html.EscapeString(text)
	fmt.Fprintf(&w.storage, `<ac:structured-macro ac:name="info" ac:schema-version="1"><ac:rich-text-body><p>%s</p></ac:rich-text-body></ac:structured-macro>`, text)
	fmt.Fprintf(&w.view, `<div class="confluence-information-macro confluence-information-macro-information">`+
		`<span class="aui-icon aui-icon-small aui-iconfont-info confluence-information-macro-icon"> </span>`+
		`<div class="confluence-information-macro-body"><p>%s</p></div></div>`, text)
}

// tasks writes a list. The first task is done.
func (w *writer) tasks(items ...string) {
	w.storage.WriteString("<ac:task-list>")
	fmt.Fprintf(&w.view, `<ul class="inline-task-list" data-inline-tasks-content-id="%s">`, w.page.id())
	for i, item := range items {
		status, class := "incomplete", ""
		if i == 0 {
			status, class = "complete", ` class="checked"`
		}
		item = html.EscapeString(item)
		fmt.Fprintf(&w.storage, "<ac:task><ac:task-id>%d</ac:task-id><ac:task-status>%s</ac:task-status><ac:task-body>%s</ac:task-body></ac:task>",
			i+1, status, item)
		fmt.Fprintf(&w.view, `<li%s data-inline-task-id="%d">%s</li>`, class, i+1, item)
	}
	w.storage.WriteString("</ac:task-list>")
	w.view.WriteString("</ul>")
}

// link writes a paragraph with a link to another page of the site.
func (w *writer) link(to *page) {
	title := html.EscapeString(to.title)
	fmt.Fprintf(&w.storage, `<p>See <ac:link><ri:page ri:space-key="%s" ri:content-title="%s" /></ac:link>.</p>`, to.space.key, title)
	fmt.Fprintf(&w.view, `<p>See <a href="/wiki%s" data-linked-resource-id="%s" data-linked-resource-type="page">%s</a>.</p>`,
		html.EscapeString(to.webui()), to.id(), title)
}

func (w *writer) image(file string) {
	fmt.Fprintf(&w.storage, `<ac:image ac:align="center" ac:width="760"><ri:attachment ri:filename="%s" /></ac:image>`, file)
	fmt.Fprintf(&w.view, `<span class="confluence-embedded-file-wrapper image-center-wrapper confluence-embedded-manual-size">`+
		`<img class="confluence-embedded-image image-center" width="760" src="/wiki/download/attachments/%s/%s?version=1&amp;api=v2" `+
		`data-linked-resource-type="attachment" alt="%s" /></span>`, w.page.id(), file, file)
}
