package jirasim

import (
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

// What stands in front of Jira, under the names that its users know.
type (
	Options     = atlassiansim.Options
	Credentials = atlassiansim.Credentials
	Fault       = atlassiansim.Fault
	Request     = atlassiansim.Request
	Operation   = atlassiansim.Operation
)

// What is accepted unless Options say otherwise.
const (
	DefaultEmail   = atlassiansim.DefaultEmail
	DefaultToken   = atlassiansim.DefaultToken
	DefaultCloudID = atlassiansim.DefaultCloudID
)

// The kinds of faults that have nothing to do with lists.
const (
	Status       = atlassiansim.Status
	Delay        = atlassiansim.Delay
	Hang         = atlassiansim.Hang
	Reset        = atlassiansim.Reset
	ExpiredToken = atlassiansim.ExpiredToken
	BadJSON      = atlassiansim.BadJSON
	Down         = atlassiansim.Down
	Refuse       = atlassiansim.Refuse
)

// NoLag makes searches find a new issue at once.
func NoLag() time.Duration { return atlassiansim.NoLag() }
