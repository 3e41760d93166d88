package adf

import (
	"fmt"
	"strings"
	"testing"
)

func TestFromMarkdown(t *testing.T) {
	for rule, c := range map[string]struct{ markdown, want string }{
		"nothing is an empty document":             {"", ""},
		"white space is an empty document":         {" \n\t\n", ""},
		"blank lines part paragraphs":              {"a\n\nb", "p(a) p(b)"},
		"a line end is a break":                    {"a\nb", "p(a / b)"},
		"line ends of other systems are line ends": {"a\r\nb\rc", "p(a / b / c)"},
		"a hard break is one break":                {"a  \nb\\\nc", "p(a / b / c)"},
		"headings have levels":                     {"# a\n###### b\nc\n===", "h1(a) h6(b) h1(c)"},
		"an empty heading is dropped":              {"#\n\na", "p(a)"},
		"emphasis":                                 {"*a* __b__ ***c*** ~~d~~ ~e~", "p(a:em + ␣ + b:strong + ␣ + c:strong,em + ␣ + d:strike + ␣ + e:strike)"},
		"equal neighbours are one text":            {"a_b_c \\* **d&amp;e**", "p(a_b_c␣*␣ + d&e:strong)"},
		"code stands alone, but in a link":         {"**a `b`** [`c`](http://x)", "p(a␣:strong + b:code + ␣ + c:code,link=http://x)"},
		"code that spans lines is one line":        {"`a\nb`", "p(a␣b:code)"},
		"a rule":                                   {"a\n\n---\n\nb", "p(a) rule p(b)"},
		"a code block has a language":              {"```go x\na\n\nb\n```", "code=go(a\n\nb)"},
		"an indented code block has none":          {"    a <b> &amp;\n", "code(a␣<b>␣&amp;)"},
		"a code block may be empty":                {"```\n```", "code()"},
		"lists":                                    {"- a\n- b\n\n1. c", "ul(li(p(a)) li(p(b))) ol(li(p(c)))"},
		"an ordered list keeps its first number":   {"0. a\n\nx\n\n7) b", "ol=0(li(p(a))) p(x) ol=7(li(p(b)))"},
		"lists in lists":                           {"- a\n  1. b\n     - c", "ul(li(p(a) ol(li(p(b) ul(li(p(c)))))))"},
		"an item that begins with a list begins with an empty paragraph": {"- - a", "ul(li(p() ul(li(p(a)))))"},
		"an item may be empty":                       {"-\n- a", "ul(li(p()) li(p(a)))"},
		"an item may hold code":                      {"- ```\n  a\n  ```", "ul(li(code(a)))"},
		"a heading in a list is strong":              {"- # a *b*", "ul(li(p(a␣:strong + b:strong,em)))"},
		"a quote in a list is its content":           {"- > a\n  >\n  > - b", "ul(li(p(a) ul(li(p(b)))))"},
		"a table in a list is lines":                 {"- | a | *b* |\n  |---|---|\n  | c |   |", "ul(li(p(a + ␣|␣ + b:em) p(c + ␣|␣)))"},
		"a quote":                                    {"> a\n> b\n>\n> - c\n>\n> ```\n> d\n> ```", "quote(p(a / b) ul(li(p(c))) code(d))"},
		"an empty quote is dropped":                  {">\n\na", "p(a)"},
		"a quote in a quote is its content":          {"> a\n> > b", "quote(p(a) p(b))"},
		"a heading in a quote is strong":             {"> # a", "quote(p(a:strong))"},
		"a rule in a quote is drawn":                 {"> a\n>\n> ---", "quote(p(a) p(———))"},
		"tasks":                                      {"- [ ] a *b*\n- [x] c", "tasks(todo(a␣ + b:em) done(c))"},
		"a task with more below it is a drawn box":   {"- [ ] a\n  - [X] b", "ul(li(p(☐␣a) ul(li(p(☑␣b)))))"},
		"one item without a box makes it a list":     {"- [ ] a\n- b", "ul(li(p(☐␣a)) li(p(b)))"},
		"numbered tasks are drawn":                   {"1. [x] a", "ol(li(p(☑␣a)))"},
		"tasks in a quote are drawn":                 {"> - [x] a", "quote(ul(li(p(☑␣a))))"},
		"brackets elsewhere are text":                {"[ ] a\n\n- b [x] c\n- [x]d", "p([␣]␣a) ul(li(p(b␣[x]␣c)) li(p([x]d)))"},
		"a table":                                    {"| a | b |\n|:--|--:|\n| `c\\|d` | *e* |\n| f", "table(tr(th(p(a)) th(p(b))) tr(td(p(c|d:code)) td(p(e:em))) tr(td(p(f)) td(p())))"},
		"a table needs no outer pipes":               {"a|b\n-|-\nc\\|d|e|f", "table(tr(th(p(a)) th(p(b))) tr(td(p(c|d)) td(p(e))))"},
		"text above a table stays":                   {"x\na|b\n-|-", "p(x) table(tr(th(p(a)) th(p(b))))"},
		"too few dashes make no table":               {"a|b\n-", "h2(a|b)"},
		"a link":                                     {"[a *b*](https://x.org/?q=1&amp;r \"t\")", "p(a␣:link=https://x.org/?q=1&r + b:em,link=https://x.org/?q=1&r)"},
		"a link by reference":                        {"[a][b]\n\n[b]: http://x", "p(a:link=http://x)"},
		"a link without text shows its address":      {"[](http://x)", "p(http://x:link=http://x)"},
		"a mail address":                             {"<a@x.org> [b](mailto:b@x.org)", "p(a@x.org:link=mailto:a@x.org + ␣ + b:link=mailto:b@x.org)"},
		"bare addresses are links":                   {"see http://ci:8080/a_b_c?x=(1). (www.x.org)", "p(see␣ + http://ci:8080/a_b_c?x=(1):link=http://ci:8080/a_b_c?x=(1) + .␣( + www.x.org:link=http://www.x.org + ))"},
		"an address alone is no link in a word":      {"xhttp://a https:// http:///a www.", "p(xhttp://a␣https://␣http:///a␣www.)"},
		"an unsafe link is its text":                 {"[a](javascript:alert(1)) [b](JaVaScRiPt:x) [c](data:text/html,x) [d](vbscript:x) [e](&#106;avascript:x)", "p(a␣b␣c␣d␣e)"},
		"a relative link is its text":                {"[a](/b) [c](//x.org/d) [e](#f) [g](http:h)", "p(a␣c␣e␣g)"},
		"white space hides no scheme":                {"[a](<\tjavascript:x>) [b](<java\tscript:x>)", "p(a␣b)"},
		"an image is a link to it":                   {"![a](http://x/y.png)", "p(a:link=http://x/y.png)"},
		"an image without text shows its address":    {"![](http://x/y.png) ![](y.png)", "p(http://x/y.png:link=http://x/y.png + ␣y.png)"},
		"an image in a link is the link's":           {"[![a](http://i)](http://x)", "p(a:link=http://x)"},
		"HTML is shown as it is":                     {"a <b>c</b> <!-- d -->", "p(a␣<b>c</b>␣<!--␣d␣-->)"},
		"a block of HTML too":                        {"<div>\n*a*\n</div>\n\n<!--\nb\n-->", "p(<div> / *a* / </div>) p(<!-- / b / -->)"},
		"references to characters are resolved once": {"&lt;a&gt; &#x41; &amp;lt; \\&lt; &nosuch; &", "p(<a>␣A␣&lt;␣&lt;␣&nosuch;␣&)"},
		"control characters are replaced":            {"a\x00b\x01c&#2;", "p(a�b�c�)"},
		"what is no UTF-8 is replaced":               {"a\xffb", "p(a�b)"},
	} {
		t.Run(rule, func(t *testing.T) {
			d := FromMarkdown(c.markdown)
			if got := sketches(d.Content); got != c.want {
				t.Errorf("%q\n got %s\nwant %s", c.markdown, got, c.want)
			}
			judge(t, d)
		})
	}
}

// sketches draws nodes: names are short, spaces at the ends of texts show.
func sketches(nodes []Node) string {
	var parts []string
	for _, n := range nodes {
		parts = append(parts, sketch(n))
	}
	return strings.Join(parts, " ")
}

func sketch(n Node) string {
	var inner []string
	for _, child := range n.Content {
		inner = append(inner, sketch(child))
	}
	inline := strings.ReplaceAll(strings.Join(inner, " + "), " + / + ", " / ")
	switch n.Type {
	case "text":
		text := strings.ReplaceAll(n.Text, " ", "␣")
		var marks []string
		for _, m := range n.Marks {
			if m.Attrs != nil {
				m.Type += "=" + m.Attrs.Href
			}
			marks = append(marks, m.Type)
		}
		if len(marks) > 0 {
			text += ":" + strings.Join(marks, ",")
		}
		return text
	case "hardBreak":
		return "/"
	case "rule":
		return "rule"
	case "paragraph":
		return "p(" + inline + ")"
	case "heading":
		return fmt.Sprintf("h%d(%s)", n.Attrs.Level, inline)
	case "codeBlock":
		if n.Attrs != nil {
			return "code=" + n.Attrs.Language + "(" + inline + ")"
		}
		return "code(" + inline + ")"
	case "taskItem":
		return strings.ToLower(n.Attrs.State) + "(" + inline + ")"
	case "orderedList":
		if n.Attrs != nil {
			return fmt.Sprintf("ol=%d(%s)", *n.Attrs.Order, sketches(n.Content))
		}
	}
	short := map[string]string{
		"bulletList": "ul", "orderedList": "ol", "listItem": "li", "blockquote": "quote", "taskList": "tasks",
		"table": "table", "tableRow": "tr", "tableHeader": "th", "tableCell": "td",
	}
	return short[n.Type] + "(" + sketches(n.Content) + ")"
}

func TestEqualMarkdownMakesEqualDocuments(t *testing.T) {
	const markdown = "- [ ] a\n- [x] b\n\n[c](http://x)"
	if a, b := encoded(t, markdown), encoded(t, markdown); a != b {
		t.Errorf("%s\n%s", a, b)
	}
}
