"""Rules of template.yaml that sam validate and cfn-lint do not know.

Runs in .cache/venv: make lint.
"""

import json
import pathlib
import re
import unittest

from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text())
PARAMETERS, RESOURCES = TEMPLATE["Parameters"], TEMPLATE["Resources"]
GLOBALS = TEMPLATE["Globals"]["Function"]
SHARED = GLOBALS["Environment"]["Variables"]


def of_type(kind):
    return {name: r.get("Properties", {}) for name, r in RESOURCES.items() if r["Type"] == kind}


FUNCTIONS = of_type("AWS::Serverless::Function")
ROLES = of_type("AWS::IAM::Role")
ALARMS = of_type("AWS::CloudWatch::Alarm")
ROUTES = of_type("AWS::ApiGatewayV2::Route")


def as_list(value):
    return value if isinstance(value, list) else [value]


def statements(role):
    """Those of all policies, of conditional ones too."""
    policies = [p["Fn::If"][1] if "Fn::If" in p else p for p in role["Policies"]]
    return [s for p in policies for s in as_list(p["PolicyDocument"]["Statement"])]


def refs(node):
    """Names that node refers to by Ref, GetAtt, Sub or If."""
    if isinstance(node, list):
        return set().union(*map(refs, node), set())
    if not isinstance(node, dict):
        return set()
    found = refs(list(node.values()))
    if "Ref" in node:
        found.add(node["Ref"])
    if "Fn::GetAtt" in node:
        found.add(node["Fn::GetAtt"][0])
    if "Fn::Sub" in node:
        found.update(re.findall(r"\$\{([A-Za-z]\w*)", json.dumps(node["Fn::Sub"])))
    return found


def holds(expression, values):
    """Evaluates a condition function as CloudFormation's Rules do."""
    (name, argument), = expression.items()
    match name:
        case "Ref":
            return values[argument]
        case "Fn::Join":
            return holds(argument[1], values)
        case "Fn::Not":
            return not holds(argument[0], values)
        case "Fn::Or":
            return any(holds(a, values) for a in argument)
        case "Fn::Equals":
            left, right = (holds(a, values) if isinstance(a, dict) else a for a in argument)
            return left == right
    raise ValueError(name)


def refused(**given):
    """Names of the rules that refuse a deployment with the parameters given."""
    values = {name: p.get("Default") for name, p in PARAMETERS.items()} | given
    return [
        name
        for name, rule in TEMPLATE["Rules"].items()
        if holds(rule["RuleCondition"], values)
        and not all(holds(a["Assert"], values) for a in rule["Assertions"])
    ]


class Access(unittest.TestCase):
    def test_what_is_refused(self):
        jwt = {"JwtIssuer": "https://issuer.example", "JwtAudience": "coldfuse"}
        prod = {"Stage": "prod", "MonitoringAccess": "iam"}
        cases = [
            ("dev may be open", {"AuthMode": "none"}, []),
            ("prod with iam", prod, []),
            ("prod with jwt", {"Stage": "prod", "AuthMode": "jwt", "MonitoringAccess": "jwt"} | jwt, []),
            ("prod is never without authorization", prod | {"AuthMode": "none"}, ["ProdIsNotOpen"]),
            ("prod does not show its circuits to everyone", {"Stage": "prod"}, ["ProdIsNotOpen"]),
            ("jwt needs an issuer", {"AuthMode": "jwt", "JwtAudience": "coldfuse"}, ["JwtIsComplete"]),
            ("jwt needs an audience", {"AuthMode": "jwt", "JwtIssuer": "https://issuer.example"}, ["JwtIsComplete"]),
            ("jwt for monitoring alone needs both", {"MonitoringAccess": "jwt"}, ["JwtIsComplete"]),
            ("sessions in a network", {"SessionsSubnetIds": "subnet-1", "SessionsSecurityGroupIds": "sg-1"}, []),
            ("a network needs security groups", {"SessionsSubnetIds": "subnet-1"}, ["SessionsNetworkIsComplete"]),
        ]
        for rule, given, want in cases:
            with self.subTest(rule):
                self.assertEqual(refused(**given), want)

    def test_only_health_is_always_open(self):
        always = [r["RouteKey"] for r in ROUTES.values() if r["AuthorizationType"] == "NONE"]
        self.assertEqual(always, ["GET /api/v1/resilience/health"])

    def test_overrides_are_for_iam_principals_only(self):
        always = sorted(r["RouteKey"] for r in ROUTES.values() if r["AuthorizationType"] == "AWS_IAM")
        path = "/api/v1/resilience/circuit-breakers/{name}/override"
        self.assertEqual(always, [f"DELETE {path}", f"PUT {path}"])

    def test_routes_follow_the_parameter_of_their_kind(self):
        for name, route in ROUTES.items():
            if route["AuthorizationType"] in ("NONE", "AWS_IAM"):
                continue
            monitoring = "/resilience/" in route["RouteKey"]
            parameter = "MonitoringAccess" if monitoring else "AuthMode"
            condition = "MonitoringIsJwt" if monitoring else "AuthIsJwt"
            with self.subTest(name):
                self.assertEqual(route["AuthorizationType"]["Fn::FindInMap"], ["AuthorizationType", {"Ref": parameter}, "Is"])
                self.assertEqual(route["AuthorizerId"]["Fn::If"][:2], [condition, {"Ref": "JwtAuthorizer"}])

    def test_every_choice_of_access_has_an_authorization_type(self):
        self.assertLessEqual(
            {*PARAMETERS["AuthMode"]["AllowedValues"], *PARAMETERS["MonitoringAccess"]["AllowedValues"]},
            set(TEMPLATE["Mappings"]["AuthorizationType"]),
        )


class Permissions(unittest.TestCase):
    def test_every_function_has_a_role_and_a_log_group_of_its_own(self):
        roles = [f["Role"]["Fn::GetAtt"][0] for f in FUNCTIONS.values()]
        groups = [f["LoggingConfig"]["LogGroup"]["Ref"] for f in FUNCTIONS.values()]
        self.assertEqual(sorted(roles), sorted(ROLES))
        self.assertEqual(len(set(groups)), len(FUNCTIONS))
        for role, group in zip(roles, groups):
            with self.subTest(role):
                logs = [s for s in statements(ROLES[role]) if "logs:PutLogEvents" in as_list(s["Action"])]
                self.assertEqual([s["Resource"] for s in logs], [{"Fn::GetAtt": [group, "Arn"]}])

    def test_no_wildcard_but_those_of_traces_and_network_interfaces(self):
        for name, role in ROLES.items():
            self.assertNotIn("ManagedPolicyArns", role, name)
            for statement in statements(role):
                services = {action.split(":")[0] for action in as_list(statement["Action"])}
                with self.subTest(role=name, sid=statement["Sid"]):
                    self.assertNotIn("*", json.dumps(statement["Action"]))
                    if services not in ({"xray"}, {"ec2"}):
                        self.assertNotIn("*", json.dumps(statement["Resource"]))

    def test_only_sessions_in_a_network_make_network_interfaces(self):
        allowed = [name for name, role in ROLES.items() if '"ec2:' in json.dumps(role)]
        self.assertEqual(allowed, ["SessionsRole"])
        conditional = [p["Fn::If"][0] for p in ROLES["SessionsRole"]["Policies"] if "Fn::If" in p]
        self.assertEqual(conditional, ["SessionsInVpc"])

    def test_connectors_touch_their_circuit_only_and_none_deletes(self):
        change = {"dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:PutItem"}
        want = {
            "JiraRole": (change, ["jira_api"]),
            "ConfluenceRole": (change, ["confluence_api"]),
            "ResilienceRole": (change | {"dynamodb:Query"}, ["jira_api", "confluence_api"]),
        }
        for name, role in ROLES.items():
            found = [
                ({*as_list(s["Action"])}, s["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"])
                for s in statements(role)
                if s["Resource"] == {"Fn::GetAtt": ["CircuitsTable", "Arn"]}
            ]
            with self.subTest(name):
                self.assertEqual(found, [want[name]] if name in want else [])

    def test_only_jira_keeps_records_of_creates(self):
        users = [name for name, role in ROLES.items() if "IdempotencyTable" in json.dumps(role)]
        self.assertEqual(users, ["JiraRole"])

    def test_every_secret_is_one_functions_own(self):
        secrets = {
            name: [s["Resource"]["Ref"] for s in statements(role) if "secretsmanager:" in json.dumps(s["Action"])]
            for name, role in ROLES.items()
        }
        self.assertEqual(secrets, {
            "JiraRole": ["JiraSecretArn"],
            "ConfluenceRole": ["ConfluenceSecretArn"],
            "SessionsRole": ["MongodbSecretArn"],
            "ResilienceRole": [],
        })



class Settings(unittest.TestCase):
    def test_no_stand_in_is_deployed(self):
        variables = [SHARED, *(f["Environment"]["Variables"] for f in FUNCTIONS.values())]
        endpoints = [v for shown in variables for name, v in shown.items() if name.startswith("AWS_ENDPOINT_URL")]
        self.assertTrue(endpoints)
        self.assertEqual(endpoints, [{"Ref": "AWS::NoValue"}] * len(endpoints))
        for name in ("LOCAL_SUBJECT", "ATLASSIAN_TOKEN_URL"):
            self.assertLessEqual({json.dumps(v[name]) for v in variables if name in v}, {'{"Ref": "AWS::NoValue"}'})

    def test_every_setting_of_a_circuit_goes_to_every_function(self):
        for name in PARAMETERS:
            match = re.fullmatch(
                r"(Jira|Confluence)(Profile|MaxAttempts|BaseDelay|MaxDelay|Strategy|Jitter|FailureThreshold"
                r"|FailureWindow|RecoveryTimeout|SuccessThreshold|OpenBackOff|MaxOpen|MinEnvironments|ReadFirst|TryTimeout)",
                name,
            )
            if match:
                variable = re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()
                self.assertEqual(SHARED.get(variable), {"Ref": name}, variable)
        self.assertEqual(SHARED["COUNT_CLIENT_ERRORS"], {"Ref": "CountClientErrors"})

    def test_both_circuits_have_the_same_settings(self):
        def settings(prefix):
            return {v.removeprefix(prefix) for v in SHARED if v.startswith(prefix)}

        self.assertEqual(settings("JIRA_"), settings("CONFLUENCE_"))
        self.assertEqual(len(settings("JIRA_")), 15)

    def test_no_function_overrides_what_is_shared(self):
        for name, function in FUNCTIONS.items():
            own = function.get("Environment", {}).get("Variables", {})
            self.assertEqual(set(own) & set(SHARED), set(), name)

    def test_no_parameter_is_unused(self):
        used = refs([TEMPLATE[s] for s in ("Conditions", "Globals", "Resources", "Outputs")])
        self.assertEqual(set(PARAMETERS) - used, set())

    def test_every_parameter_is_in_a_group(self):
        groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        self.assertEqual(sorted(p for g in groups for p in g["Parameters"]), sorted(PARAMETERS))

    def test_go_knows_85_to_90_percent_of_the_memory(self):
        for name, function in FUNCTIONS.items():
            limit = int(function["Environment"]["Variables"]["GOMEMLIMIT"].removesuffix("MiB"))
            self.assertTrue(0.85 <= limit / function["MemorySize"] <= 0.90, name)

    def test_no_timeout_is_longer_than_the_gateway_waits(self):
        for name, function in FUNCTIONS.items():
            self.assertLessEqual(function["Timeout"], 29, name)


class Alarms(unittest.TestCase):
    def test_the_log_level_lets_metrics_through(self):
        levels = TEMPLATE["Mappings"]["ApplicationLogLevel"]
        self.assertEqual(set(levels), set(PARAMETERS["LogLevel"]["AllowedValues"]))
        self.assertLessEqual({v["Is"] for v in levels.values()}, {"TRACE", "DEBUG", "INFO"})
        shared = GLOBALS["LoggingConfig"]
        self.assertEqual(shared["LogFormat"], "JSON")
        self.assertEqual(shared["ApplicationLogLevel"], {"Fn::FindInMap": ["ApplicationLogLevel", {"Ref": "LogLevel"}, "Is"]})
        for name, function in FUNCTIONS.items():
            self.assertEqual(set(function["LoggingConfig"]), {"LogGroup"}, name)

    def test_every_alarm_is_quiet_without_data_and_wants_m_of_n(self):
        for name, alarm in ALARMS.items():
            with self.subTest(name):
                self.assertEqual(alarm["TreatMissingData"], "notBreaching")
                self.assertLess(alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"])
                self.assertEqual(alarm["AlarmActions"], alarm["OKActions"])

    def test_every_alarm_has_a_runbook_and_every_runbook_an_alarm(self):
        named = set()
        for name, alarm in ALARMS.items():
            match = re.search(r"Runbook (docs/runbooks/[a-z0-9-]+\.md)$", alarm["AlarmDescription"])
            self.assertTrue(match, name)
            named.add(match[1])
        self.assertEqual(named, {str(p.relative_to(ROOT)) for p in (ROOT / "docs/runbooks").glob("*.md")})

    def test_runbooks_name_nothing_that_does_not_exist(self):
        outputs, parameters = TEMPLATE["Outputs"], PARAMETERS
        for path in (ROOT / "docs/runbooks").glob("*.md"):
            text = path.read_text()
            with self.subTest(path.name):
                self.assertLessEqual(set(re.findall(r"OutputKey=='(\w+)'", text)), set(outputs))
                self.assertLessEqual(set(re.findall(r"ParameterKey=='(\w+)'", text)), set(parameters))
                for other in re.findall(r"`([a-z0-9-]+\.md)`", text):
                    self.assertTrue((path.parent / other).exists(), other)

    def test_own_metrics_are_emitted_under_the_dimensions_that_alarms_read(self):
        source = (ROOT / "internal/telemetry/metric.go").read_text()
        directives = [json.loads(d) for d in re.findall(r"`(\[.*?\])`", re.sub(r"` \+\s*`", "", source))]
        emitted = {
            (metric["Name"], frozenset(dimensions))
            for directive in (d for line in directives for d in line)
            for dimensions in directive["Dimensions"]
            for metric in directive["Metrics"]
        }
        for name, alarm in ALARMS.items():
            if alarm.get("Namespace") == "coldfuse":
                read = (alarm["MetricName"], frozenset(d["Name"] for d in alarm["Dimensions"]))
                self.assertIn(read, emitted, name)


class Events(unittest.TestCase):
    def test_every_route_has_an_event_and_every_event_a_route(self):
        events = {json.loads(p.read_text())["routeKey"] for p in (ROOT / "events").glob("*-*.json")}
        direct = {key for key in events if key.endswith("$default")}  # of invocations without HTTP
        self.assertEqual(events - direct, {r["RouteKey"] for r in ROUTES.values()})

    def test_every_route_may_call_its_function(self):
        allowed = {}
        for permission in of_type("AWS::Lambda::Permission").values():
            prefix = permission["SourceArn"]["Fn::Sub"].split("${HttpApi}/*/")[1]
            allowed.setdefault(permission["FunctionName"]["Ref"], []).append(re.escape(prefix).replace(r"\*", ".*"))
        for name, route in ROUTES.items():
            integration, = (r for r in refs(route["Target"]) if r.endswith("Integration"))
            patterns = allowed[integration.removesuffix("Integration") + "Function"]
            with self.subTest(name):
                self.assertRegex(route["RouteKey"].replace(" ", ""), f"^({'|'.join(patterns)})$")


if __name__ == "__main__":
    unittest.main()
