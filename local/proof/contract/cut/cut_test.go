package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// whole is a document with one of each thing that is kept or dropped.
const whole = `{
	"openapi": "3.0.1",
	"info": {"title": "An API", "description": "prose", "license": {"name": "Apache 2.0"}, "version": "1"},
	"servers": [{"url": "https://example.com"}],
	"x-big": 1,
	"paths": {
		"/a": {
			"get": {
				"operationId": "getA", "deprecated": false, "summary": "prose", "tags": ["T"], "x-scope": [],
				"parameters": [{"name": "summary", "in": "query", "description": "prose", "schema": {"type": "string", "example": "e"}}],
				"responses": {"200": {"description": "prose", "content": {"application/json": {"example": "{}", "schema": {"$ref": "#/components/schemas/A"}}}}, "401": {"description": "prose"}}
			},
			"put": {"responses": {}}
		},
		"/b": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Unused"}}}}}}}
	},
	"components": {
		"schemas": {
			"A": {"type": "object", "description": "prose", "xml": {}, "properties": {"description": {"type": "string", "description": "prose"}, "tags": {"type": "array", "items": {"$ref": "#/components/schemas/B"}}}},
			"B": {"maximum": 9007199254740993, "allOf": [{"$ref": "#/components/schemas/A"}]},
			"Unused": {}
		},
		"securitySchemes": {"OAuth2": {"type": "oauth2", "description": "prose", "flows": {"implicit": {"authorizationUrl": "https://example.com", "scopes": {"read": "prose"}}}}}
	}
}`

const part = `{
 "openapi": "3.0.1",
 "info": {
  "license": {
   "name": "Apache 2.0"
  },
  "title": "An API",
  "version": "1"
 },
 "x-cut": NOTICE,
 "paths": {
  "/a": {
   "get": {
    "operationId": "getA",
    "parameters": [
     {
      "in": "query",
      "name": "summary",
      "schema": {
       "type": "string"
      }
     }
    ],
    "responses": {
     "200": {
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/A"
        }
       }
      },
      "description": ""
     },
     "401": {
      "description": ""
     }
    }
   }
  }
 },
 "components": {
  "schemas": {
   "A": {
    "properties": {
     "description": {
      "type": "string"
     },
     "tags": {
      "items": {
       "$ref": "#/components/schemas/B"
      },
      "type": "array"
     }
    },
    "type": "object"
   },
   "B": {
    "allOf": [
     {
      "$ref": "#/components/schemas/A"
     }
    ],
    "maximum": 9007199254740993
   }
  },
  "securitySchemes": {
   "OAuth2": {
    "flows": {
     "implicit": {
      "authorizationUrl": "https://example.com",
      "scopes": {}
     }
    },
    "type": "oauth2"
   }
  }
 }
}
`

func TestCutKeepsWhatBinds(t *testing.T) {
	got, err := cut([]byte(whole), []operation{{"get", "/a"}})
	if err != nil {
		t.Fatal(err)
	}
	if text := withoutNotice(t, got); text != part {
		t.Errorf("got\n%s", text)
	}
}

func TestWhatCannotBeCut(t *testing.T) {
	get := []operation{{"get", "/a"}}
	for rule, c := range map[string]struct {
		document   string
		operations []operation
		wrong      string
	}{
		"no JSON":                         {`{`, get, "unexpected"},
		"a document without a licence":    {strings.Replace(whole, `"license"`, `"licence"`, 1), get, "licence"},
		"an operation that is not there":  {whole, []operation{{"post", "/a"}}, "post /a"},
		"a path that is not there":        {whole, []operation{{"get", "/c"}}, "get /c"},
		"a schema that is not there":      {strings.Replace(whole, `"B":`, `"C":`, 1), get, "schemas/B"},
		"a reference to something else":   {strings.Replace(whole, `schemas/A"`, `examples/A"`, 1), get, "examples/A"},
		"a reference to another document": {strings.Replace(whole, `#/components/schemas/A"`, `other.json"`, 1), get, "other.json"},
	} {
		if _, err := cut([]byte(c.document), c.operations); err == nil || !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

// The file is what the command makes of the document with this hash. That the
// command finds nothing more to drop shows that the file was not made by hand.
func TestTheCommittedCutIsThisCommands(t *testing.T) {
	const document = "b9e7f99b7fb1bfeab2badb10ae14670118ca70b2e02e0d73c81d94124a585f26"
	committed, err := os.ReadFile(filepath.Join("..", "jira.json"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := cut(committed, jiraOperations())
	if err != nil {
		t.Fatal(err)
	}
	if withoutNotice(t, again) != withoutNotice(t, committed) {
		t.Error("contract/jira.json is not what the command makes: run it again")
	}
	if !strings.Contains(string(committed), `"sha256": "`+document+`"`) {
		t.Error("contract/jira.json was cut from another document than this test names")
	}
	if len(committed) > 150<<10 {
		t.Errorf("contract/jira.json has %d bytes: too much to review", len(committed))
	}
}

// withoutNotice takes out what is made of the document's hash.
func withoutNotice(t *testing.T, src []byte) string {
	t.Helper()
	var d struct {
		Cut struct{ Changes, SHA256 string } `json:"x-cut"`
	}
	if err := json.Unmarshal(src, &d); err != nil {
		t.Fatal(err)
	}
	if d.Cut.Changes == "" || len(d.Cut.SHA256) != 64 {
		t.Errorf("a changed file must say so: %+v", d.Cut)
	}
	before, rest, _ := strings.Cut(string(src), `"x-cut": {`)
	_, after, _ := strings.Cut(rest, "}")
	return before + `"x-cut": NOTICE` + after
}
