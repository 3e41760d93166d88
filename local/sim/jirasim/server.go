package jirasim

import (
	"net/http"
	"strconv"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

// serverInfo is open to everyone: it proves nothing about credentials.
func (s *Simulator) serverInfo(c *atlassiansim.Call) atlassiansim.Answer {
	return atlassiansim.Encode(http.StatusOK, map[string]any{
		"baseUrl":        c.Base,
		"displayUrl":     c.Base,
		"version":        "1001.0.0-SNAPSHOT",
		"versionNumbers": []int{1001, 0, 0},
		"deploymentType": "Cloud",
		"buildNumber":    100_292,
		"buildDate":      "2026-10-01T08:00:00.000+0000",
		"serverTime":     c.Now.UTC().Format(timeFormat),
		"scmInfo":        "0000000000000000000000000000000000000000",
		"serverTitle":    "Jira (simulated)",
		"serverTimeZone": "Etc/UTC",
	})
}

func (s *Simulator) myself(c *atlassiansim.Call) atlassiansim.Answer {
	if c.Identity != atlassiansim.Accepted {
		return atlassiansim.Answer{
			Status:      http.StatusUnauthorized,
			ContentType: "text/html;charset=UTF-8",
			Header:      map[string]string{"WWW-Authenticate": "OAuth realm=" + strconv.Quote(c.Base)},
			Body:        []byte("Client must be authenticated to access this resource."),
		}
	}
	return atlassiansim.Encode(http.StatusOK, user(c.Base, s.Account().Email))
}
