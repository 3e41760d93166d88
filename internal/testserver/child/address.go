package child

import (
	"errors"
	"net"
)

// FreeAddresses returns n addresses of this machine, host and port, that are free,
// for a child that cannot choose a free port itself. Another process can take one
// before the child does: see Retry.
func FreeAddresses(n int) ([]string, error) {
	var addresses []string
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close() // only after the last is found, so that all differ
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses, nil
}

// ErrEnded means that a child ended before it could be used.
var ErrEnded = errors.New("it has ended")

// Retry calls start, which uses FreeAddresses, up to three times while it returns
// ErrEnded.
func Retry[T any](start func() (T, error)) (T, error) {
	for attempt := 1; ; attempt++ {
		started, err := start()
		if attempt == 3 || !errors.Is(err, ErrEnded) {
			return started, err
		}
	}
}
