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
Rules:
  ProdIsLoud:
    RuleCondition: !Equals [!Ref Stage, prod]
    Assertions:
      - Assert: !Not [!Equals [!Ref Threshold, "1"]]
        AssertDescription: one failure is too few for prod
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
  Api: {Type: AWS::ApiGatewayV2::Api}
  Stage1:
    Type: AWS::ApiGatewayV2::Stage
    Properties:
      ApiId: !Ref Api
      DefaultRouteSettings: {ThrottlingBurstLimit: 20, ThrottlingRateLimit: 10.5}
      RouteSettings:
        "GET /a": {ThrottlingBurstLimit: 1, ThrottlingRateLimit: 1}
      AccessLogSettings: {DestinationArn: !GetAtt Nothing.Arn}
  Tokens:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      AuthorizerType: JWT
      IdentitySource: [$request.header.Authorization]
      JwtConfiguration: {Issuer: !Sub "https://${Host}", Audience: [!Ref Stage, b]}
  ToFirst:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      IntegrationUri: !Sub arn:${AWS::Partition}:apigateway:lambda:path/functions/${First.Arn}/invocations
      PayloadFormatVersion: '2.0'
      TimeoutInMillis: 5000
  RouteA: {Type: AWS::ApiGatewayV2::Route, Properties: {RouteKey: GET /a, Target: !Sub "integrations/${ToFirst}", AuthorizationType: !If [IsProd, AWS_IAM, NONE]}}
  RouteB: {Type: AWS::ApiGatewayV2::Route, Properties: {RouteKey: "ANY /b/{id}", Target: !Sub "integrations/${ToFirst}", AuthorizationType: JWT, AuthorizerId: !Ref Tokens}}
  RouteC: {Type: AWS::ApiGatewayV2::Route, Properties: {RouteKey: $default, Target: !Sub "integrations/${ToFirst}"}}
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
	o := with("Threshold", "7")
	o.Defaults = map[string]string{"Threshold": "6", "Stage": "prod", "Undeclared": "x"}
	equal(t, "a default instead of the template's", len(parse(t, sample, o).Functions), 2)
	equal(t, "a parameter beats a default", parse(t, sample, o).Functions[0].Environment["THRESHOLD"], "7")
	equal(t, "conditional variable", prod[0].Environment["GONE"], "kept")
	equal(t, "own timeout", prod[1].Timeout, 5*time.Second)
	equal(t, "reserved concurrency", prod[1].Reserved, 3)
}

func TestRoutesHaveTheirAccessAndThrottle(t *testing.T) {
	dev := parse(t, sample, options)
	equal(t, "stage throttle", dev.Throttle, Throttle{Rate: 10.5, Burst: 20})
	equal(t, "dev", dev.Routes, []Route{
		{Method: "GET", Path: "/a", Function: "First", Timeout: 5 * time.Second, Throttle: &Throttle{Rate: 1, Burst: 1}},
		{Method: "ANY", Path: "/b/{id}", Function: "First", Timeout: 5 * time.Second, Access: "jwt", JWT: JWT{"https://localhost", []string{"dev", "b"}}},
		{Method: "ANY", Path: "$default", Function: "First", Timeout: 5 * time.Second},
	})
	equal(t, "access in prod", parse(t, sample, with("Stage", "prod")).Routes[0].Access, "iam")
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
		{"a condition that depends on itself", edit("IsProd: !Equals [!Ref Stage, prod]", "IsProd: !Not [!Condition IsDev]"), options, "depends on itself"},
		{"an authorizer that does not exist", edit("!Ref Tokens", "Token"), options, `RouteB: AuthorizerId "Token": no such authorizer`},
		{"an authorizer of another kind", edit("AuthorizerType: JWT", "AuthorizerType: REQUEST"), options, "Tokens: AuthorizerType REQUEST is not supported"},
		{"a token from elsewhere", edit("$request.header.Authorization", "$request.querystring.token"), options, "Tokens: IdentitySource [$request.querystring.token]"},
		{"a function that is not understood", edit("!Ref Secret", "!Base64 x"), options, "SECRET: Fn::Base64"},
		{"parameters that a rule refuses", sample, with("Stage", "prod", "Threshold", "1"), "rule ProdIsLoud: one failure is too few for prod"},
		{"a function that rules do not know", edit(`!Equals [!Ref Stage, prod]
    Assertions`, `!Equals [!Join ["", !Ref Subnets], ""]
    Assertions`), options, "rule ProdIsLoud: Fn::Join is not known in rules"},
		{"an authorizer of an unknown type", edit("AuthorizationType: JWT", "AuthorizationType: CUSTOM"), options, "RouteB: AuthorizationType CUSTOM is not supported"},
		{"a route to nowhere", edit("integrations/${ToFirst}", "integrations/${First}"), options, "RouteA: target"},
		{"an integration of no function", edit("functions/${First.Arn}", "functions/${Circuits.Arn}"), options, "ToFirst: IntegrationUri"},
		{"a number that is not one", edit("Timeout: 29", "Timeout: soon"), options, "First: Timeout: \"soon\" is no number"},
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
