package config

import "github.com/coldfuse/coldfuse/pkg/breaker"

// The circuits' names.
const (
	jiraCircuit       = "jira_api"
	confluenceCircuit = "confluence_api"
)

// MonitorConfig is the configuration of the resilience function.
type MonitorConfig struct {
	Table        string
	Circuits     []breaker.Settings // in the order in which they are shown
	LocalSubject string             // see Subject
}

// Monitor reads the resilience function's configuration. The error names
// every variable that is missing or invalid, on one line.
func Monitor(getenv func(string) string) (MonitorConfig, error) {
	r := &reader{getenv: getenv}
	c := MonitorConfig{Table: r.required("CIRCUITS_TABLE"), LocalSubject: r.localSubject()}
	r.required("AWS_REGION")
	for _, of := range []struct{ prefix, circuit string }{{"JIRA_", jiraCircuit}, {"CONFLUENCE_", confluenceCircuit}} {
		c.Circuits = append(c.Circuits, r.protection(of.prefix, of.circuit).Circuit)
	}
	return c, r.err()
}
