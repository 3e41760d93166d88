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
        case "Fn::Not":
            return not holds(argument[0], values)
        case "Fn::Or":
            return any(holds(a, values) for a in argument)
        case "Fn::Equals":
            left, right = (holds(a, values) if isinstance(a, dict) else a for a in argument)
            return left == right
    raise ValueError(name)


def functions(node):
    """Names of the intrinsic functions in node, Ref and Condition included."""
    if isinstance(node, list):
        return set().union(*map(functions, node), set())
    if not isinstance(node, dict):
        return set()
    return functions(list(node.values())) | {n for n in node if n.startswith("Fn::") or n in ("Ref", "Condition")}


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
            ("security groups need a network", {"SessionsSecurityGroupIds": "sg-1"}, ["SessionsNetworkIsComplete"]),
        ]
        for rule, given, want in cases:
            with self.subTest(rule):
                self.assertEqual(refused(**given), want)

    def test_rules_use_no_function_but_those_that_rules_know(self):
        # CloudFormation Template Reference, "Rule functions".
        known = {
            "Ref", "Fn::And", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::Equals", "Fn::Not", "Fn::Or",
            "Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll",
        }
        for name, rule in TEMPLATE["Rules"].items():
            self.assertLessEqual(functions(rule["RuleCondition"]) | functions(rule["Assertions"]), known, name)

    def test_rules_ask_only_for_text(self):
        # Whether a list is empty is nothing that a rule can ask.
        asked = refs([[r["RuleCondition"], [a["Assert"] for a in r["Assertions"]]] for r in TEMPLATE["Rules"].values()])
        self.assertEqual({PARAMETERS[name]["Type"] for name in asked}, {"String"})

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


class Callers(unittest.TestCase):
    def allowed(self, policy):
        """Routes that the policy lets its principals invoke."""
        statement, = as_list(RESOURCES[policy]["Properties"]["PolicyDocument"]["Statement"])
        self.assertEqual((statement["Effect"], statement["Action"]), ("Allow", "execute-api:Invoke"))
        prefix = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${HttpApi}/$default/"
        patterns = []
        for resource in statement["Resource"]:
            self.assertTrue(resource["Fn::Sub"].startswith(prefix), resource)
            patterns.append(resource["Fn::Sub"].removeprefix(prefix))
        routes = {r["RouteKey"] for r in ROUTES.values()}

        def some(pattern):
            return {key for key in routes if re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), key.replace(" ", ""))}

        for pattern in patterns:
            self.assertTrue(some(pattern), f"{pattern} allows nothing that there is")
        return set().union(*map(some, patterns))

    def test_callers_override_nothing_and_operators_do_nothing_else(self):
        overrides = {r["RouteKey"] for r in ROUTES.values() if r["AuthorizationType"] == "AWS_IAM"}
        self.assertEqual(len(overrides), 2)
        self.assertEqual(self.allowed("OperatorsPolicy"), overrides)
        self.assertEqual(self.allowed("CallersPolicy"), {r["RouteKey"] for r in ROUTES.values()} - overrides)

    def test_nothing_else_of_the_resilience_routes_could_be_called(self):
        # A route that is added below them must not become everyone's unseen.
        for policy, methods in (("CallersPolicy", {"GET"}), ("OperatorsPolicy", {"PUT", "DELETE"})):
            statement, = RESOURCES[policy]["Properties"]["PolicyDocument"]["Statement"]
            keys = [r["Fn::Sub"].split("$default/")[1] for r in statement["Resource"]]
            self.assertEqual({k.split("/")[0] for k in keys if "/resilience/" in k}, methods, policy)
            self.assertNotIn("*/*", json.dumps(keys))

    def test_the_policies_are_shown(self):
        for policy in ("CallersPolicy", "OperatorsPolicy"):
            self.assertEqual(TEMPLATE["Outputs"][policy]["Value"], {"Ref": policy})


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
        conditional = [p["Fn::If"][0] for p in ROLES["SessionsRole"]["Policies"] if "Fn::If" in p and '"ec2:' in json.dumps(p)]
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

    def test_the_secrets_key_is_used_by_who_reads_secrets_and_through_secrets_manager_alone(self):
        for name, role in ROLES.items():
            reads = "secretsmanager:" in json.dumps(role)
            keys = [p for p in role["Policies"] if "kms:" in json.dumps(p)]
            with self.subTest(name):
                self.assertEqual(len(keys), 1 if reads else 0)
                for policy in keys:
                    condition, granted, otherwise = policy["Fn::If"]
                    self.assertEqual((condition, otherwise), ("SecretsHaveKey", {"Ref": "AWS::NoValue"}))
                    statement, = granted["PolicyDocument"]["Statement"]
                    self.assertEqual(statement["Action"], "kms:Decrypt")
                    self.assertEqual(statement["Resource"], {"Ref": "SecretsKmsKeyArn"})
                    self.assertEqual(statement["Condition"], {"StringEquals": {
                        "kms:ViaService": {"Fn::Sub": "secretsmanager.${AWS::Region}.amazonaws.com"},
                    }})
        self.assertFalse(holds(TEMPLATE["Conditions"]["SecretsHaveKey"], {"SecretsKmsKeyArn": PARAMETERS["SecretsKmsKeyArn"]["Default"]}))

    def test_what_is_the_arn_of_a_key(self):
        pattern = PARAMETERS["SecretsKmsKeyArn"]["AllowedPattern"]
        region = "arn:aws:kms:eu-central-1:123456789012:"
        for arn in ("", region + "key/1234abcd-12ab-34cd-56ef-1234567890ab", region.replace("aws:", "aws-cn:", 1) + "key/mrk-1234abcd12ab34cd56ef1234567890ab"):
            self.assertRegex(arn, pattern)
        for other in (region + "alias/secrets", region + "key/*", "1234abcd-12ab-34cd-56ef-1234567890ab", "*"):
            self.assertNotRegex(other, pattern)


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
                r"|FailureWindow|RecoveryTimeout|SuccessThreshold|OpenBackOff|MaxOpen|MinEnvironments|ReadFirst|TryTimeout|FunctionTimeout)",
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
        self.assertEqual(len(settings("JIRA_")), 19)

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

    def test_no_timeout_is_longer_than_the_gateway_waits_unless_asked_for(self):
        for name, function in FUNCTIONS.items():
            timeout = function["Timeout"]
            with self.subTest(name):
                if isinstance(timeout, dict):
                    self.assertEqual(timeout, {"Ref": f"{name}Timeout"})
                    timeout = int(PARAMETERS[timeout["Ref"]]["Default"])
                self.assertLessEqual(timeout, 29)

    def test_every_pattern_of_a_number_says_its_range(self):
        # local/stack/template tries the bounds on what the functions read.
        for name, parameter in PARAMETERS.items():
            pattern = parameter.get("AllowedPattern", "")
            if re.fullmatch(r"[\^$()\[\]{}|?*+.\\,0-9-]+", pattern):
                said = parameter.get("ConstraintDescription", "")
                with self.subTest(name):
                    self.assertRegex(said, r"^(\d+(\.\d+)? to \d+|a whole number up to \d+)\b")
                    self.assertEqual("or empty" in said, re.fullmatch(pattern, "") is not None)
                    self.assertNotRegex(pattern, r"\*|\+")  # a range has an end
                    self.assertRegex(str(parameter["Default"]), pattern)

    def test_reservations_are_none_unless_asked_for(self):
        for name, function in FUNCTIONS.items():
            product = name.removesuffix("Function")
            if name == "ResilienceFunction":  # those who look must always find room
                self.assertNotIn("ReservedConcurrentExecutions", function)
                continue
            parameter, condition = f"{product}ReservedConcurrency", f"{product}IsReserved"
            with self.subTest(name):
                self.assertEqual(
                    function["ReservedConcurrentExecutions"],
                    {"Fn::If": [condition, {"Ref": parameter}, {"Ref": "AWS::NoValue"}]},
                )
                for value, reserved in (("", False), ("0", False), ("1", True), ("1500", True)):
                    self.assertRegex(value, PARAMETERS[parameter]["AllowedPattern"])
                    self.assertEqual(holds(TEMPLATE["Conditions"][condition], {parameter: value}), reserved, value)
                for value in ("-1", "01", "1.5", "many"):
                    self.assertNotRegex(value, PARAMETERS[parameter]["AllowedPattern"])

    def test_samconfig_names_every_parameter_that_must_be_given(self):
        header = (ROOT / "samconfig.toml").read_text().split("version =")[0]
        required = {name for name, p in PARAMETERS.items() if "Default" not in p}
        self.assertEqual({name for name in PARAMETERS if re.search(rf"\b{name}\b", header)}, required)


class Gauges(unittest.TestCase):
    def test_the_circuits_are_measured_every_minute_and_never_twice(self):
        function = FUNCTIONS["ResilienceFunction"]
        (event,) = function["Events"].values()
        self.assertEqual(event["Type"], "Schedule")
        schedule = event["Properties"]
        self.assertEqual(schedule["Schedule"], "rate(1 minute)")
        self.assertEqual(json.loads(schedule["Input"]), {"coldfuse": "gauge"})
        self.assertEqual(schedule["State"], {"Fn::If": ["GaugesCircuits", "ENABLED", "DISABLED"]})
        self.assertEqual(schedule["RetryPolicy"]["MaximumRetryAttempts"], 0)  # of the rule, which hands over
        self.assertEqual(function["EventInvokeConfig"]["MaximumRetryAttempts"], 0)  # of Lambda, which runs
        self.assertEqual([name for name, f in FUNCTIONS.items() if "Events" in f], ["ResilienceFunction"])

    def test_they_are_measured_unless_switched_off(self):
        parameter = PARAMETERS["CircuitGauges"]
        self.assertEqual((parameter["Default"], parameter["AllowedValues"]), ("on", ["on", "off"]))
        condition = TEMPLATE["Conditions"]["GaugesCircuits"]
        self.assertTrue(holds(condition, {"CircuitGauges": "on"}))
        self.assertFalse(holds(condition, {"CircuitGauges": "off"}))



class Alarms(unittest.TestCase):
    def test_every_alarm_has_a_runbook_and_every_runbook_an_alarm(self):
        named = set()
        for name, alarm in ALARMS.items():
            match = re.search(r"Runbook (docs/runbooks/[a-z0-9-]+\.md)$", alarm["AlarmDescription"])
            self.assertTrue(match, name)
            named.add(match[1])
        self.assertEqual(named, {str(p.relative_to(ROOT)) for p in (ROOT / "docs/runbooks").glob("[a-z]*.md")})
        index = self.runbook("README.md")
        for path in named:
            self.assertIn(f"({path.removeprefix('docs/runbooks/')})", index)

    def test_runbooks_name_nothing_that_does_not_exist(self):
        outputs, parameters = TEMPLATE["Outputs"], PARAMETERS
        stands_for = {"PRODUCT": ("Jira", "Confluence"), "FUNCTION": FUNCTIONS}  # variables of the shell

        def names(kind, text):
            for name in re.findall(kind + r"=='([^']+)'", text):
                variable = re.search(r"\$\{?(\w+)\}?", name)
                yield from [name.replace(variable[0], v) for v in stands_for[variable[1]]] if variable else [name]

        for path in (ROOT / "docs/runbooks").glob("*.md"):
            text = path.read_text()
            with self.subTest(path.name):
                self.assertLessEqual(set(names("OutputKey", text)), set(outputs))
                self.assertLessEqual(set(names("ParameterKey", text)), set(parameters))
                own = "|".join({re.match("[A-Z][a-z]+", p)[0] for p in parameters})
                for word in re.findall(rf"`((?:{own})[A-Z]\w+)(?:=\w+)?`", text):
                    self.assertIn(word, {*parameters, *outputs}, word)
                for other in re.findall(r"`([a-z0-9-]+\.md)`", text):
                    self.assertTrue((path.parent / other).exists(), other)

    def runbook(self, name):
        return (ROOT / "docs/runbooks" / name).read_text()

    def test_runbooks_are_for_every_function_and_circuit_that_alarms_are_of(self):
        functions = {name.removesuffix("Function") for name in FUNCTIONS}
        for name in ("function-errors.md", "handler-faults.md"):
            for function in functions:
                self.assertRegex(self.runbook(name), rf"STACK=.*\b{function.lower()}\b", name)
        for function in functions:
            self.assertRegex(self.runbook("function-throttles.md"), rf"STACK=.*\b{function}Function\b")
        for name in ("circuit-open.md", "circuit-overridden.md"):
            for circuit in ("jira_api", "confluence_api"):
                self.assertRegex(self.runbook(name), rf"STACK=.*\b{circuit}\b", name)
        for name in ("credentials-rejected.md", "store-lost.md"):
            for service in ("jira", "confluence"):
                self.assertRegex(self.runbook(name), rf"STACK=.*\b{service}\b", name)
        for path in ("/jira/*", "/confluence/*", "/sessions", "/resilience/*"):
            self.assertRegex(self.runbook("api-5xx.md"), rf"\n\| 50.* on .*`{re.escape(path)}`.* \|")

    def test_an_open_circuit_is_first_asked_for_its_override(self):
        look, act = self.runbook("circuit-open.md").split("## Act")
        self.assertIn("$CIRCUIT/override", re.search(r"\ncurl .*", look)[0])  # of all that is asked
        self.assertIn("override", re.search(r"\n- .*", act)[0])

    def test_a_secret_of_each_kind_is_written_in_its_own_form(self):
        forms = dict(re.findall(r"\nput ([a-z_ ]+?) +# (\w+)", self.runbook("credentials-rejected.md")))
        self.assertEqual(forms, {"email token": "basic", "token": "bearer", "client_id client_secret": "client_credentials"})
        for parameter in ("JiraAuth", "ConfluenceAuth"):
            self.assertEqual(set(forms.values()), set(PARAMETERS[parameter]["AllowedValues"]))

    def test_reasons_of_mongodb_are_those_that_the_code_has(self):
        source = (ROOT / "internal/session/error.go").read_text()
        reasons = set(re.findall(r'\treason\w+ += "(\w+)"', source))
        self.assertTrue(reasons)
        told = set(re.findall(r"\n\| `(\w+)(?:…)?` \|", self.runbook("mongodb-failing.md")))
        self.assertEqual(told, reasons | {"code_"})



class Documents(unittest.TestCase):
    """What is said elsewhere about the template."""

    def said(self, path):
        return (ROOT / path).read_text()

    def test_how_long_sessions_are_kept(self):
        days = int(PARAMETERS["SessionTtlDays"]["Default"])
        self.assertIn("now.Add(r.ttl + r.ttl/10)", self.said("internal/session/repository.go"))
        row = re.search(r"\n\| `SESSION_TTL_DAYS` \|.*", self.said("docs/configuration.md"))[0]
        self.assertIn(f"at least {days} and at most {days + days // 10}", row)
        self.assertIn("a tenth more", PARAMETERS["SessionTtlDays"]["Description"])

    def test_what_everyone_may_read(self):
        row = re.search(r"\n\| who may call \|.*", self.said("SECURITY.md"))[0]
        self.assertIn("/api/v1/resilience/health", row)
        if PARAMETERS["MonitoringAccess"]["Default"] == "open":
            self.assertIn("`MonitoringAccess=open`, the default for dev", row)

    def test_who_may_call_and_who_may_override(self):
        for path in ("SECURITY.md", "docs/deployments.md"):
            for policy in of_type("AWS::IAM::ManagedPolicy"):
                self.assertIn(f"`{policy}`", self.said(path), path)

    def test_logs_go_with_the_stack_and_tables_stay(self):
        kinds = {"AWS::Logs::LogGroup": "Delete", "AWS::DynamoDB::Table": "Retain"}
        for name, resource in RESOURCES.items():
            if resource["Type"] in kinds:
                policies = {resource["DeletionPolicy"], resource["UpdateReplacePolicy"]}
                self.assertEqual(policies, {kinds[resource["Type"]]}, name)
        self.assertIn("**Logs go with the stack.**", self.said("docs/deployments.md"))

    def test_the_page_on_configuration_has_every_parameter_and_no_other(self):
        text = self.said("docs/configuration.md")
        table = text.split("## Parameters of the deployment")[1].split("\n## ")[0]
        named = set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", table))
        self.assertLessEqual(named, set(PARAMETERS))
        # Those that reach a function are in the table of variables above.
        variables = refs([SHARED, *(f["Environment"]["Variables"] for f in FUNCTIONS.values())])
        rest = {"Architecture", "LogRetentionDays", "JwtIssuer", "JwtAudience"}
        self.assertEqual(set(PARAMETERS) - variables - rest, named | {"Stage"})


class Events(unittest.TestCase):
    def test_every_route_has_an_event_and_every_event_a_route(self):
        bodies = [json.loads(p.read_text()) for p in (ROOT / "events").glob("*-*.json")]
        schedule, = (e["Properties"] for e in FUNCTIONS["ResilienceFunction"]["Events"].values())
        for body in bodies:
            if "routeKey" not in body:  # of no client, but of the schedule
                self.assertEqual(body, json.loads(schedule["Input"]))
        events = {body["routeKey"] for body in bodies if "routeKey" in body}
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
