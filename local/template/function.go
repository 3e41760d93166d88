package template

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

func (r *reader) function(id string, properties map[string]any) error {
	f := Function{ID: id, Environment: map[string]string{}}
	code, err1 := r.property(properties, "CodeUri")
	handler, err2 := r.property(properties, "Handler")
	variables, err3 := r.property(properties, "Environment", "Variables")
	timeout, err4 := r.number(properties, 3, "Timeout")
	memory, err5 := r.number(properties, 128, "MemorySize")
	reserved, err6 := r.number(properties, -1, "ReservedConcurrentExecutions")
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return err
	}
	f.CodeURI, f.Handler = text(code), text(handler)
	f.Timeout = time.Duration(timeout * float64(time.Second))
	f.MemoryMB, f.Reserved = int(memory), int(reserved)
	m, _ := variables.(map[string]any)
	for name, value := range m {
		f.Environment[name] = text(value)
	}
	r.out.Functions = append(r.out.Functions, f)
	return r.events(id, section(properties, "Events"))
}

func (r *reader) events(function string, events map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(events)) {
		event, _ := events[name].(map[string]any)
		if text(event["Type"]) != "HttpApi" {
			continue
		}
		if err := r.event(function, section(event, "Properties")); err != nil {
			return fmt.Errorf("event %s: %w", name, err)
		}
	}
	return nil
}

func (r *reader) event(function string, properties map[string]any) error {
	route := Route{Function: function}
	method, err1 := r.property(properties, "Method")
	path, err2 := r.property(properties, "Path")
	authorizer, err3 := r.property(properties, "Auth", "Authorizer")
	settings, err4 := r.property(properties, "RouteSettings")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	route.Method, route.Path = strings.ToUpper(text(method)), text(path)
	if route.Path == "" {
		route.Method, route.Path = "ANY", "$default"
	}
	if route.Method == "X-AMAZON-APIGATEWAY-ANY-METHOD" || route.Method == "*" {
		route.Method = "ANY"
	}
	access, err := r.access(text(authorizer))
	if err != nil {
		return err
	}
	route.Access = access
	if settings == nil {
		settings = r.gateway.settings[route.Method+" "+route.Path]
	}
	if route.Throttle, err = r.throttle(settings); err != nil {
		return err
	}
	r.out.Routes = append(r.out.Routes, route)
	return nil
}
