package mongolocal

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func newClient(t *testing.T, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetRetryWrites(false).SetRetryReads(false))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = client.Disconnect(ctx)
	})
	return client
}

// newProxy returns a proxy, a collection behind it that has been used, and the
// same one reached without it.
func newProxy(t *testing.T) (p *Proxy, behind, direct *mongo.Collection) {
	t.Helper()
	p, err := StartProxy("127.0.0.1:0", server.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	name := rand.Text()
	behind = newClient(t, p.URI()).Database("test").Collection(name)
	direct = newClient(t, server.URI).Database("test").Collection(name)
	if err := insert(behind, 0, time.Minute); err != nil {
		t.Fatal(err)
	}
	return p, behind, direct
}

func insert(c *mongo.Collection, id int, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	_, err := c.InsertOne(ctx, bson.D{{Key: "_id", Value: id}})
	return err
}

func set(t *testing.T, p *Proxy, f Fault) {
	t.Helper()
	if err := p.Set(f); err != nil {
		t.Fatal(err)
	}
}

// healed waits until commands pass: what the driver had open may still fail.
func healed(c *mongo.Collection) (err error) {
	for range 100 {
		if err = c.FindOne(context.Background(), bson.D{{Key: "_id", Value: 0}}).Err(); err == nil {
			return nil
		}
	}
	return err
}

func TestFaults(t *testing.T) {
	const limit = 300 * time.Millisecond
	network := mongo.IsNetworkError
	timeout := mongo.IsTimeout
	fine := func(err error) bool { return err == nil }
	for rule, c := range map[string]struct {
		fault     Fault
		is        func(error) bool
		performed bool
		arrived   int
	}{
		"without a fault commands pass":           {Fault{}, fine, true, 1},
		"commands do not arrive while refused":    {Fault{Mode: Refuse}, network, false, 0},
		"hung commands are not performed":         {Fault{Mode: Hang}, timeout, false, 1},
		"a delayed command is performed":          {Fault{Mode: Delay, Delay: 20 * time.Millisecond}, fine, true, 1},
		"a delay beyond the client's deadline":    {Fault{Mode: Delay, Delay: time.Hour}, timeout, false, 1},
		"what is cut before is not performed":     {Fault{Mode: CutBefore}, network, false, 1},
		"what is cut after is performed":          {Fault{Mode: CutAfter}, network, true, 1},
		"a fault of the command's name":           {Fault{Mode: CutBefore, Command: "insert"}, network, false, 1},
		"another command's fault":                 {Fault{Mode: CutBefore, Command: "find"}, fine, true, 1},
		"a fault that is over with the first one": {Fault{Mode: CutBefore, Command: "insert", Times: 1}, network, false, 1},
	} {
		t.Run(rule, func(t *testing.T) {
			p, behind, direct := newProxy(t)
			set(t, p, c.fault)
			if err := insert(behind, 1, limit); !c.is(err) {
				t.Errorf("got %v", err)
			}
			n, err := direct.CountDocuments(t.Context(), bson.D{{Key: "_id", Value: 1}})
			if err != nil || (n == 1) != c.performed {
				t.Errorf("performed %d, %v; want %t", n, err, c.performed)
			}
			if got := p.Counts()["insert"] - 1; got != c.arrived {
				t.Errorf("%d arrived, want %d", got, c.arrived)
			}
			if c.fault.Times == 0 {
				set(t, p, Fault{})
			}
			if err := healed(behind); err != nil {
				t.Errorf("after healing: %v", err)
			}
		})
	}
}

func TestAHungCommandEndsWhenHealed(t *testing.T) {
	p, behind, _ := newProxy(t)
	set(t, p, Fault{Mode: Hang, Command: "insert", Times: 1})
	ended := make(chan error, 1)
	go func() { ended <- insert(behind, 1, time.Minute) }()
	for deadline := time.Now().Add(10 * time.Second); p.Counts()["insert"] < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the command does not arrive")
		}
	}
	set(t, p, Fault{})
	if err := <-ended; !mongo.IsNetworkError(err) {
		t.Errorf("got %v, want a reset", err)
	}
}

func TestAnUnknownFaultIsAnError(t *testing.T) {
	p, behind, _ := newProxy(t)
	for rule, f := range map[string]Fault{
		"an unknown mode":            {Mode: "dely"},
		"a delay without a length":   {Mode: Delay},
		"a length without a delay":   {Mode: Hang, Delay: time.Second},
		"refusing one command":       {Mode: Refuse, Command: "insert"},
		"refusing a few times":       {Mode: Refuse, Times: 1},
		"a negative number of times": {Mode: Hang, Times: -1},
	} {
		if err := p.Set(f); err == nil {
			t.Errorf("%s: no error", rule)
		}
	}
	if err := healed(behind); err != nil {
		t.Errorf("after invalid faults: %v", err)
	}
}

func TestMessagesOfAnImpossibleLength(t *testing.T) {
	for _, length := range []uint32{0, headerLength - 1, maxMessage + 1} {
		header := binary.LittleEndian.AppendUint32(nil, length)
		header = append(header, make([]byte, headerLength-len(header))...)
		if _, err := readMessage(bytes.NewReader(header)); err == nil {
			t.Errorf("%d bytes: no error", length)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte("\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00"))
	f.Add([]byte("\x1b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00\x02\x00\x00\x00\x00\x09\x00\x00\x00\x10a\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := readMessage(bytes.NewReader(raw))
		if err != nil {
			return
		}
		if len(m) < headerLength || !bytes.HasPrefix(raw, m) {
			t.Errorf("%q", m)
		}
		_, _ = m.name(), m.moreToCome()
	})
}
