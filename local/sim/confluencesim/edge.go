package confluencesim

import "github.com/coldfuse/coldfuse/local/sim/atlassiansim"

// What stands in front of Confluence.
type (
	Options     = atlassiansim.Options
	Credentials = atlassiansim.Credentials
	Fault       = atlassiansim.Fault
	Request     = atlassiansim.Request
	Operation   = atlassiansim.Operation
)
