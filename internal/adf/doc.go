// Package adf turns markdown into the Atlassian Document Format (ADF), the JSON
// that Jira Cloud takes for descriptions and other texts
// (https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/).
//
// The dialect is GitHub's: CommonMark by goldmark, and tables, strikethrough,
// task lists and bare links by small parsers of this package. goldmark's own
// extensions would do, but compile their regular expressions whenever a process
// starts, whether or not it converts anything, which takes longer than the rest
// of goldmark's initialisation.
//
// What ADF does not have is shown by what it has, and no visible text is lost:
//
//   - a heading inside a list or a quote is a strong paragraph, a table there a
//     paragraph a row, a quote there its content;
//   - an image is a link to it;
//   - HTML is shown as it was written;
//   - a link to anything but http, https or mailto is its text;
//   - a line end inside a paragraph is a line break, as in GitHub's and Jira's
//     editors: who writes two lines wants to see two.
package adf
