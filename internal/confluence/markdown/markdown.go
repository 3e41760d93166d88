// Package markdown converts the HTML of a Confluence page to markdown, in
// bounded time and memory, and without anything that runs.
//
// html.go reads the HTML into a bounded tree, table.go bounds the tables in it,
// and html-to-markdown converts the tree.
package markdown

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/strikethrough"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"
)

// maxSource is the largest page in bytes: the slowest of this size take seconds.
const maxSource = 2 << 20

// ErrTooLarge is returned for HTML of more than 2 MiB.
var ErrTooLarge = errors.New("markdown: the page is too large")

// FromView converts a page's body in the view format. Relative links are resolved
// against pageURL, the address of the page. It is safe for concurrent use.
func FromView(view, pageURL string) (string, error) {
	if len(view) > maxSource {
		return "", ErrTooLarge
	}
	page, err := url.Parse(pageURL)
	if err != nil {
		return "", fmt.Errorf("markdown: address of the page: %w", err)
	}
	text, err := newConverter().ConvertNode(parseHTML(view, page))
	if err != nil {
		return "", fmt.Errorf("markdown: convert: %w", err)
	}
	return string(text), nil
}

// newConverter is called for each page. It takes some microseconds, and a
// Converter is not safe for concurrent use: it sorts its handlers in place while
// it holds only a read lock.
func newConverter() *converter.Converter {
	c := converter.NewConverter(converter.WithPlugins(
		base.NewBasePlugin(),
		commonmark.NewCommonmarkPlugin(commonmark.WithListEndComment(false)),
		strikethrough.NewStrikethroughPlugin(),
		table.NewTablePlugin(
			table.WithNewlineBehavior(table.NewlineBehaviorPreserve),
			// Padding makes all cells of a column as long as the longest.
			table.WithCellPaddingBehavior(table.CellPaddingBehaviorMinimal),
		),
	))
	c.Register.UnEscaper(keepBracketEscaped, converter.PriorityEarly)
	return c
}

// keepBracketEscaped escapes every '['. Otherwise the converter searches the rest
// of the line for each one's ']', which takes quadratic time.
func keepBracketEscaped(chars []byte, index int) int {
	if chars[index] == '[' {
		return 1
	}
	return -1
}
