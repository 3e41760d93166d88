package template

import (
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/internal/config"
)

// A deployment must not be accepted whose functions do not start: a parameter
// that is a number admits what the functions admit, and says which range it is.
func TestPatternsAdmitWhatTheFunctionsRead(t *testing.T) {
	declared := declarations(t)
	tried := 0
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		declaration, _ := declared[name].(map[string]any)
		said := numbers.FindStringSubmatch(text(declaration["ConstraintDescription"]))
		if said == nil {
			continue
		}
		tried++
		t.Run(name, func(t *testing.T) {
			low, high := number(t, said[1]), number(t, said[2])
			// CloudFormation's patterns match the whole value.
			pattern := regexp.MustCompile(`^(?:` + text(declaration["AllowedPattern"]) + `)$`)
			mayBeEmpty := strings.Contains(text(declaration["ConstraintDescription"]), "or empty")
			if pattern.MatchString("") != mayBeEmpty || read(name, "") != nil {
				t.Error("what is said of an empty value is not so")
			}
			for _, value := range candidates(low, high) {
				err := read(name, value)
				if admitted := pattern.MatchString(value); admitted != (err == nil) {
					t.Fatalf("%q: the pattern admits it: %t; the function says %v", value, admitted, err)
				}
				if v, wrong := strconv.ParseFloat(value, 64); wrong == nil && err == nil && (v < low || v > high) {
					t.Errorf("%q is allowed, beyond what is said", value)
				}
			}
			for _, value := range said[1:] {
				if err := read(name, value); err != nil {
					t.Errorf("%q is said to be allowed: %v", value, err)
				}
			}
		})
	}
	if want := 2*15 + 4 + 1; tried != want { // connectors, sessions, and the sessions' days
		t.Errorf("%d parameters say their range, want %d", tried, want)
	}
}

var numbers = regexp.MustCompile(`^([0-9.]+) to ([0-9.]+)\b`)

func declarations(t *testing.T) map[string]any {
	t.Helper()
	src, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	root, err := decode(src)
	if err != nil {
		t.Fatal(err)
	}
	return section(root, "Parameters")
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// candidates are whole numbers in the range and a little beyond, all decimals
// around its ends, random ones, and what people and programs write besides.
func candidates(low, high float64) []string {
	out := []string{" ", "-1", "+1", "01", "00", "1.", ".5", "0.0", "0.5000", "1e1", "0x1", "1_0", "1,5", "NaN", "Inf", "5s", "1\n", "\u0661"}
	for n := 0.0; n < high*1.1+2; n += max(1, math.Floor(n/1000)) {
		out = append(out, strconv.FormatFloat(n, 'f', -1, 64))
	}
	for _, end := range []float64{low, high} {
		for n := range 41 {
			for places, step := range []float64{1, 0.1, 0.01, 0.001, 0.0001} {
				out = append(out, strconv.FormatFloat(end+float64(n-20)*step, 'f', places, 64))
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		out = append(out, strconv.FormatFloat(random.Float64()*high*1.1, 'f', random.IntN(5), 64))
	}
	return out
}

var words = regexp.MustCompile(`([a-z])([A-Z])`)

// read returns what the functions say of one parameter, together with others that
// fit any value of it.
func read(name, value string) error {
	variables := map[string]string{
		"CIRCUITS_TABLE": "t", "IDEMPOTENCY_TABLE": "t", "AWS_REGION": "us-east-1", "JIRA_SECRET_ID": "s", "CONFLUENCE_SECRET_ID": "s", "MONGODB_SECRET_ID": "s",
		"JIRA_BASE_URL": "https://site.atlassian.net", "CONFLUENCE_BASE_URL": "https://site.atlassian.net",
	}
	variable := strings.ToUpper(words.ReplaceAllString(name, "${1}_$2"))
	prefix, setting, _ := strings.Cut(variable, "_")
	with := map[string][2]string{ // what the setting is compared with
		"BASE_DELAY": {"MAX_DELAY", "900"}, "MAX_DELAY": {"BASE_DELAY", "0"}, "RECOVERY_TIMEOUT": {"MAX_OPEN", "86400"}, "MAX_OPEN": {"RECOVERY_TIMEOUT", "0.1"},
		"TRY_TIMEOUT": {"FUNCTION_TIMEOUT", "900"}, "FUNCTION_TIMEOUT": {"TRY_TIMEOUT", "0.01"}, "MIN_ENVIRONMENTS": {"FAILURE_THRESHOLD", value}, // more failures take more room
	}[setting]
	variables[prefix+"_"+with[0]] = with[1]
	if setting == "SLOW_CALL" { // no more than the longest try, in the longest function
		variables[prefix+"_TRY_TIMEOUT"], variables[prefix+"_FUNCTION_TIMEOUT"] = "898", "900"
	}
	variables[variable] = value
	getenv := func(name string) string { return variables[name] }
	var err error
	switch prefix {
	case "JIRA":
		_, err = config.Jira(getenv)
	case "CONFLUENCE":
		_, err = config.Confluence(getenv)
	default:
		_, err = config.Sessions(getenv)
	}
	return err
}
