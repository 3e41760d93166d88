package apicheck

import (
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/coldfuse/coldfuse"
	"github.com/coldfuse/coldfuse/internal/confluence"
	"github.com/coldfuse/coldfuse/internal/jira"
	"github.com/coldfuse/coldfuse/internal/resilience"
	"github.com/coldfuse/coldfuse/internal/session"
)

// handlers are the functions' by logical id, with nothing behind them.
func handlers() map[string]http.Handler {
	site := &url.URL{Scheme: "https", Host: "site"}
	return map[string]http.Handler{
		"JiraFunction":       jira.Handler(jira.New(nil, nil, site)),
		"ConfluenceFunction": confluence.Handler(confluence.New(nil, nil, site)),
		"SessionsFunction":   session.Handler(session.New(session.Config{})),
		"ResilienceFunction": resilience.Handler(slog.New(slog.DiscardHandler), time.Now, coldfuse.OpenAPI()),
	}
}
