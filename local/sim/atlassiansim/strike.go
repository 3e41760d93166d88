package atlassiansim

import (
	"net"
	"net/http"

	"github.com/coldfuse/coldfuse/local/wait"
)

// strike is a fault on its way to a request.
type strike struct {
	Fault
	healed <-chan struct{}
}

// land waits the fault's delay and returns what is answered instead of the
// product, if anything. It panics if nothing is answered.
func (f strike) land(w http.ResponseWriter, c *Call, failure failure) (instead Answer, struck bool) {
	gone := c.Request.Context()
	if !wait.Pause(gone, f.Delay) {
		panic(http.ErrAbortHandler)
	}
	switch f.Kind {
	case Status, Down:
		return f.answer(c, failure), true
	case Hang:
		select {
		case <-f.healed:
		case <-gone.Done():
		}
		panic(http.ErrAbortHandler)
	case Reset:
		reset(w)
		panic(http.ErrAbortHandler)
	case Refuse:
		panic(http.ErrAbortHandler)
	default:
		return Answer{}, false
	}
}

// reset ends the connection so that the client sees a TCP reset, not an orderly
// end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // not HTTP/1: the abort that follows must do
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// failure is the form that a product gives an error of its own.
type failure func(c *Call, status int, message string) Answer

// answer is what a Status or Down fault says instead of the product.
func (f Fault) answer(c *Call, failure failure) Answer {
	status, body := f.Status, f.Body
	if f.Kind == Down {
		status, body = http.StatusServiceUnavailable, BodyHTML
	}
	a := Answer{Status: status}
	switch body {
	case BodyEmpty:
	case BodyHTML:
		a.ContentType = "text/html;charset=UTF-8"
		a.Body = []byte("<!DOCTYPE html>\n<html><head><title>" + http.StatusText(status) +
			"</title></head><body><h1>" + http.StatusText(status) + "</h1></body></html>\n")
	default:
		a = failure(c, status, "Simulated: "+http.StatusText(status))
	}
	for name, value := range f.header(c.Now) {
		a = a.With(name, value)
	}
	return a
}
