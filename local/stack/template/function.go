package template

import (
	"errors"
	"time"
)

func (r *reader) function(id string, properties map[string]any) error {
	properties = merge(section(r.globals, "Function"), properties)
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
	return nil
}
