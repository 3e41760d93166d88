package jirasim

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

// land waits the fault's delay and gives what is answered instead of Jira, if
// anything. It does not return where nothing is answered.
func (f strike) land(w http.ResponseWriter, r *http.Request) (instead answer, struck bool) {
	if !wait.Pause(r.Context(), f.Delay) {
		panic(http.ErrAbortHandler)
	}
	switch f.Kind {
	case Status, Down:
		return f.answer(), true
	case Hang:
		select {
		case <-f.healed:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	case Reset:
		reset(w)
		panic(http.ErrAbortHandler)
	case Refuse:
		panic(http.ErrAbortHandler)
	default:
		return answer{}, false
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
