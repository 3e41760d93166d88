package confluence

import (
	"fmt"
	"net/url"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/strikethrough"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"
)

// maxSource is the most bytes of HTML that are made into markdown, so that the
// worst of them take seconds.
const maxSource = 2 << 20

// toMarkdown makes markdown of a page's body in the view format. Relative links
// lead to where they lead on the page at pageURL. HTML that is too large is
// errTooLarge.
func toMarkdown(view, pageURL string) (string, error) {
	if len(view) > maxSource {
		return "", errTooLarge
	}
	page, err := url.Parse(pageURL)
	if err != nil {
		return "", fmt.Errorf("confluence: address of the page: %w", err)
	}
	text, err := newConverter().ConvertNode(parseHTML(view, page))
	if err != nil {
		return "", fmt.Errorf("confluence: to markdown: %w", err)
	}
	return string(text), nil
}

// newConverter is called for each page: it takes some microseconds, and a
// Converter sorts its handlers in place, under what is only a read lock.
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

// keepBracketEscaped escapes every '['. The converter would look for the ']' of
// each to the end of its line, in the square of the line's length.
func keepBracketEscaped(chars []byte, index int) int {
	if chars[index] == '[' {
		return 1
	}
	return -1
}
