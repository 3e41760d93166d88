package jirasim

import (
	"net/http"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

// errorCollection is the body of Jira's own errors.
type errorCollection struct {
	Messages []string          `json:"errorMessages"`
	Fields   map[string]string `json:"errors"`
}

func refuse(status int, messages ...string) atlassiansim.Answer {
	return atlassiansim.Encode(status, errorCollection{messages, map[string]string{}})
}

func refuseFields(fields map[string]string) atlassiansim.Answer {
	return atlassiansim.Encode(http.StatusBadRequest, errorCollection{[]string{}, fields})
}
