package template

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Route of the HTTP API.
type Route struct {
	Method, Path string        // "GET", or "ANY"; "$default" has the method "ANY"
	Function     string        // logical id
	Access       string        // "", "iam" or "jwt"
	JWT          JWT           // the authorizer of a route whose Access is "jwt"
	Timeout      time.Duration // of the integration, 30 s unless set
	Throttle     *Throttle     // nil: the stage's
}

// Throttle is a rate in requests a second and a burst; zero means no limit.
type Throttle struct {
	Rate  float64
	Burst int
}

// JWT is an authorizer: who issues the tokens, and for whom.
type JWT struct {
	Issuer   string
	Audience []string
}

// integration is where routes lead.
type integration struct {
	function string
	timeout  time.Duration
}

// stage reads AWS::ApiGatewayV2::Stage.
func (r *reader) stage(_ string, properties map[string]any) error {
	fallback, err1 := r.property(properties, "DefaultRouteSettings")
	settings, err2 := r.property(properties, "RouteSettings")
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	r.routeSettings, _ = settings.(map[string]any)
	throttle, err := r.throttle(fallback)
	if throttle != nil {
		r.out.Throttle = *throttle
	}
	return err
}

// throttle reads route settings, nil if they throttle nothing.
func (r *reader) throttle(settings any) (*Throttle, error) {
	m, _ := settings.(map[string]any)
	rate, err1 := r.number(m, 0, "ThrottlingRateLimit")
	burst, err2 := r.number(m, 0, "ThrottlingBurstLimit")
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if rate == 0 && burst == 0 {
		return nil, nil
	}
	return &Throttle{Rate: rate, Burst: int(burst)}, nil
}

// integration reads AWS::ApiGatewayV2::Integration. Its URI contains the
// function's ARN.
func (r *reader) integration(id string, properties map[string]any) error {
	uri, err1 := r.property(properties, "IntegrationUri")
	format, err2 := r.property(properties, "PayloadFormatVersion")
	timeout, err3 := r.number(properties, 30_000, "TimeoutInMillis")
	name, err4 := r.reference(id)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	if text(format) != "2.0" {
		return fmt.Errorf("payload format %q: only 2.0 is supported", text(format))
	}
	for _, f := range r.out.Functions {
		if strings.Contains(text(uri), "/functions/"+arn(f.ID)+"/") {
			r.integrations[text(name)] = integration{f.ID, time.Duration(timeout) * time.Millisecond}
			return nil
		}
	}
	return fmt.Errorf("IntegrationUri %s: names no function of the template", text(uri))
}

// authorizer reads AWS::ApiGatewayV2::Authorizer.
func (r *reader) authorizer(id string, properties map[string]any) error {
	kind, err1 := r.property(properties, "AuthorizerType")
	issuer, err2 := r.property(properties, "JwtConfiguration", "Issuer")
	audience, err3 := r.property(properties, "JwtConfiguration", "Audience")
	source, err4 := r.property(properties, "IdentitySource")
	name, err5 := r.reference(id)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return err
	}
	if text(kind) != "JWT" {
		return fmt.Errorf("AuthorizerType %s is not supported", text(kind))
	}
	if from := texts(source); !slices.Equal(from, []string{"$request.header.Authorization"}) {
		return fmt.Errorf("IdentitySource %v: only the header Authorization is supported", from)
	}
	r.authorizers[text(name)] = JWT{text(issuer), texts(audience)}
	return nil
}

// route reads AWS::ApiGatewayV2::Route.
func (r *reader) route(_ string, properties map[string]any) error {
	key, err1 := r.property(properties, "RouteKey")
	target, err2 := r.property(properties, "Target")
	authorization, err3 := r.property(properties, "AuthorizationType")
	authorizer, err4 := r.property(properties, "AuthorizerId")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	to, ok := r.integrations[strings.TrimPrefix(text(target), "integrations/")]
	if !ok {
		return fmt.Errorf("target %q: no such integration", text(target))
	}
	route := Route{Function: to.function, Timeout: to.timeout}
	if route.Method, route.Path, ok = strings.Cut(text(key), " "); !ok {
		route.Method, route.Path = "ANY", text(key)
	}
	var err error
	if route.Access, err = access(text(authorization)); err != nil {
		return err
	}
	if route.Access == "jwt" {
		if route.JWT, ok = r.authorizers[text(authorizer)]; !ok {
			return fmt.Errorf("AuthorizerId %q: no such authorizer", text(authorizer))
		}
	}
	if route.Throttle, err = r.throttle(r.routeSettings[text(key)]); err != nil {
		return err
	}
	r.out.Routes = append(r.out.Routes, route)
	return nil
}

func access(authorization string) (string, error) {
	switch authorization {
	case "", "NONE":
		return "", nil
	case "AWS_IAM":
		return "iam", nil
	case "JWT":
		return "jwt", nil
	default:
		return "", fmt.Errorf("AuthorizationType %s is not supported", authorization)
	}
}
