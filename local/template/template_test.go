package template

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

const sample = `
AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}
  Threshold: {Type: Number, Default: 5}
  Window: {Type: String, Default: "", AllowedPattern: "[0-9.]*"}
  Subnets: {Type: CommaDelimitedList, Default: "a,b"}
  Secret: {Type: String}
Mappings:
  Sizes:
    dev: {memory: 256}
    prod: {memory: 512}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
  Both: !And [!Condition IsProd, !Condition IsDev]
  Either: !Or [!Condition IsProd, !Condition IsDev]
Globals:
  Function:
    Timeout: 29
    MemorySize: !FindInMap [Sizes, !Ref Stage, memory]
    Environment:
      Variables:
        TABLE: !Ref Circuits
        THRESHOLD: !Ref Threshold
        LOUD: "false"
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      DefaultRouteSettings: {ThrottlingBurstLimit: 20, ThrottlingRateLimit: 10.5}
      RouteSettings:
        "GET /a": {ThrottlingBurstLimit: 1, ThrottlingRateLimit: 1}
      Auth:
        DefaultAuthorizer: !If [IsProd, AWS_IAM, !Ref AWS::NoValue]
        Authorizers:
          Token: {JwtConfiguration: {issuer: https://issuer, audience: [x]}}
  First:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/first
      Handler: bootstrap
      Environment:
        Variables:
          LOUD: true
          ARN: !GetAtt Circuits.Arn
          URL: !Sub "https://${Api}.${AWS::Region}.${Host}/${!kept}/${Circuits.Arn}"
          HOSTED: !Sub ["${Name}-${Stage}", {Name: !Join ["-", [a, b]]}]
          SECOND: !Select [1, !Ref Subnets]
          PART: !Select [0, !Split [".", "x.y"]]
          GONE: !If [IsProd, kept, !Ref AWS::NoValue]
          EITHER: !If [Either, "yes", "no"]
          BOTH: !If [Both, !GetAtt Nothing.Arn, "no"]
          SECRET: !Ref Secret
      Events:
        Get: {Type: HttpApi, Properties: {Path: /a, Method: get, ApiId: !Ref Api}}
        Open: {Type: HttpApi, Properties: {Path: /open, Method: get, Auth: {Authorizer: NONE}}}
        Token: {Type: HttpApi, Properties: {Path: /token, Method: any, Auth: {Authorizer: Token}}}
        Rest: {Type: HttpApi}
        Clock: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}
  OnlyProd:
    Type: AWS::Serverless::Function
    Condition: IsProd
    Properties: {CodeUri: functions/second, Timeout: 5, ReservedConcurrentExecutions: 3}
  Circuits:
    Type: AWS::DynamoDB::Table
    Properties:
      KeySchema:
        - {AttributeName: circuit, KeyType: HASH}
        - {AttributeName: entry, KeyType: RANGE}
      AttributeDefinitions:
        - {AttributeName: circuit, AttributeType: S}
        - {AttributeName: entry, AttributeType: S}
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
`

var options = Options{
	Parameters: map[string]string{"Secret": "id"},
	References: map[string]string{"Api": "api", "Host": "localhost", "Circuits.Arn": "arn"},
}

func with(parameters ...string) Options {
	o := Options{Parameters: map[string]string{"Secret": "id"}, References: options.References}
	for i := 0; i < len(parameters); i += 2 {
		o.Parameters[parameters[i]] = parameters[i+1]
	}
	return o
}

func parse(t *testing.T, src string, o Options) *Template {
	t.Helper()
	parsed, err := Parse([]byte(src), o)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %#v\nwant %#v", what, got, want)
	}
}

func TestFunctionsAreResolved(t *testing.T) {
	equal(t, "dev", parse(t, sample, options).Functions, []Function{{
		ID: "First", CodeURI: "functions/first", Handler: "bootstrap",
		Timeout: 29 * time.Second, MemoryMB: 256, Reserved: -1,
		Environment: map[string]string{
			"TABLE": "local-Circuits", "THRESHOLD": "5", "LOUD": "true", "ARN": "arn", "SECOND": "b", "PART": "x",
			"URL": "https://api.us-east-1.localhost/${kept}/arn", "HOSTED": "a-b-dev",
			"EITHER": "yes", "BOTH": "no", "SECRET": "id",
		},
	}})
	prod := parse(t, sample, with("Stage", "prod", "Threshold", "7")).Functions
	equal(t, "functions in prod", len(prod), 2)
	equal(t, "mapped memory", prod[0].MemoryMB, 512)
	equal(t, "overridden parameter", prod[0].Environment["THRESHOLD"], "7")
	equal(t, "conditional variable", prod[0].Environment["GONE"], "kept")
	equal(t, "own timeout", prod[1].Timeout, 5*time.Second)
	equal(t, "reserved concurrency", prod[1].Reserved, 3)
}

func TestRoutesHaveTheirAccessAndThrottle(t *testing.T) {
	dev := parse(t, sample, options)
	equal(t, "stage throttle", dev.Throttle, Throttle{Rate: 10.5, Burst: 20})
	equal(t, "dev", dev.Routes, []Route{
		{Method: "GET", Path: "/a", Function: "First", Throttle: &Throttle{Rate: 1, Burst: 1}},
		{Method: "GET", Path: "/open", Function: "First"},
		{Method: "ANY", Path: "$default", Function: "First"},
		{Method: "ANY", Path: "/token", Function: "First", Access: "jwt"},
	})
	var access []string
	for _, route := range parse(t, sample, with("Stage", "prod")).Routes {
		access = append(access, route.Access)
	}
	equal(t, "access in prod", access, []string{"iam", "", "iam", "jwt"})
}

func TestTheTableIsRead(t *testing.T) {
	equal(t, "tables", parse(t, sample, options).Tables, []Table{{
		ID: "Circuits", Name: "local-Circuits", Hash: Key{"circuit", "S"}, Range: Key{"entry", "S"}, ExpireAt: "expires_at",
	}})
}

func TestATableIsReferredToByItsName(t *testing.T) {
	named := strings.Replace(sample, "    Properties:\n      KeySchema:", "    Properties:\n      TableName: !Sub circuits-${Stage}\n      KeySchema:", 1)
	parsed := parse(t, named, options)
	equal(t, "table", parsed.Tables[0].Name, "circuits-dev")
	equal(t, "variable", parsed.Functions[0].Environment["TABLE"], "circuits-dev")
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	edit := func(old, new string) string { return strings.Replace(sample, old, new, 1) }
	cases := []struct {
		rule, src string
		o         Options
		want      string
	}{
		{"a parameter without a value", sample, Options{References: options.References}, "parameter Secret: has no default"},
		{"a parameter that is not declared", sample, with("Stge", "x"), "parameter Stge is not declared"},
		{"a value that is not allowed", sample, with("Stage", "x"), `parameter Stage: "x": want one of dev, prod`},
		{"a value that does not match", sample, with("Window", "soon"), `parameter Window: "soon" does not match`},
		{"a reference to nothing", edit("!Ref Secret", "!Ref Sekret"), options, "First: Environment: Variables: SECRET: nothing to refer to by the name Sekret"},
		{"an attribute that was not supplied", edit("Circuits.Arn", "Circuits.Nrn"), options, "First: Environment: Variables: ARN: Fn::GetAtt"},
		{"a condition that does not exist", edit("!If [Either,", "!If [Ether,"), options, "condition Ether does not exist"},
		{"a condition that depends on itself", edit("!Equals [!Ref Stage, prod]", "!Not [!Condition IsDev]"), options, "depends on itself"},
		{"a function that is not understood", edit("!Ref Secret", "!Base64 x"), options, "SECRET: Fn::Base64"},
		{"an authorizer that does not exist", edit("Authorizer: Token", "Authorizer: Tokn"), options, "event Token: authorizer Tokn does not exist"},
		{"a number that is none", edit("Timeout: 29", "Timeout: soon"), options, "First: Timeout: \"soon\" is no number"},
		{"a key that appears twice", edit("  Circuits:\n", "  First: {}\n  Circuits:\n"), options, `key "First" appears twice`},
		{"a table without a key", edit("KeyType: HASH", "KeyType: RANGE"), options, "Circuits: KeySchema: no HASH key"},
		{"an empty file", "", options, "empty"},
		{"no YAML", "\t:", options, "yaml"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			_, err := Parse([]byte(c.src), c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Fuzz(func(t *testing.T, src string) { Parse([]byte(src), options) })
}
