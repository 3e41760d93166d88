package template

import (
	"errors"
	"fmt"
)

// gateway is what the HTTP API says about all its routes.
type gateway struct {
	authorizer  string            // the default one, or empty
	authorizers map[string]string // name → "iam" or "jwt"
	settings    map[string]any    // by route key
}

// api reads the HTTP API, which must be known before its routes.
func (r *reader) api(properties map[string]any) error {
	if r.gateway.authorizers != nil {
		return errors.New("a second HTTP API; one is supported")
	}
	r.gateway.authorizers = map[string]string{"AWS_IAM": "iam"}
	fallback, err1 := r.property(properties, "DefaultRouteSettings")
	settings, err2 := r.property(properties, "RouteSettings")
	auth, err3 := r.property(properties, "Auth")
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	r.gateway.settings, _ = settings.(map[string]any)
	authorizer, _ := dig(auth, "DefaultAuthorizer")
	r.gateway.authorizer = text(authorizer)
	named, _ := dig(auth, "Authorizers")
	m, _ := named.(map[string]any)
	for name, authorizer := range m {
		if _, ok := dig(authorizer, "JwtConfiguration"); !ok {
			return fmt.Errorf("authorizer %s: only JWT authorizers are supported", name)
		}
		r.gateway.authorizers[name] = "jwt"
	}
	throttle, err := r.throttle(fallback)
	if err != nil {
		return err
	}
	if throttle != nil {
		r.out.Throttle = *throttle
	}
	return nil
}

// access is the kind of the authorizer that a route names, or inherits.
func (r *reader) access(authorizer string) (string, error) {
	if authorizer == "" {
		authorizer = r.gateway.authorizer
	}
	if authorizer == "" || authorizer == "NONE" {
		return "", nil
	}
	kind, ok := r.gateway.authorizers[authorizer]
	if !ok {
		return "", fmt.Errorf("authorizer %s does not exist", authorizer)
	}
	return kind, nil
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
