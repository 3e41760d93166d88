package jirasim

import (
	"net/http"
	"strconv"
)

// serverInfo is open to everyone: it proves nothing about credentials.
func (s *Simulator) serverInfo(c *call) answer {
	return encode(http.StatusOK, map[string]any{
		"baseUrl":        c.base,
		"displayUrl":     c.base,
		"version":        "1001.0.0-SNAPSHOT",
		"versionNumbers": []int{1001, 0, 0},
		"deploymentType": "Cloud",
		"buildNumber":    100_292,
		"buildDate":      "2026-10-01T08:00:00.000+0000",
		"serverTime":     s.options.Now().UTC().Format(timeFormat),
		"scmInfo":        "0000000000000000000000000000000000000000",
		"serverTitle":    "Jira (simulated)",
		"serverTimeZone": "Etc/UTC",
	})
}

func (s *Simulator) myself(c *call) answer {
	if c.identity != Accepted {
		return answer{
			status:      http.StatusUnauthorized,
			contentType: "text/html;charset=UTF-8",
			header:      map[string]string{"WWW-Authenticate": "OAuth realm=" + strconv.Quote(c.base)},
			body:        []byte("Client must be authenticated to access this resource."),
		}
	}
	return encode(http.StatusOK, user(c.base, s.account.get().Email))
}
