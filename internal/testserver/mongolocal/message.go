package mongolocal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// message is one of MongoDB's wire protocol, header included.
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol
type message []byte

const (
	headerLength = 16
	maxMessage   = 48_000_000 // maxMessageSizeBytes

	opQuery = 2004 // a driver's first hello
	opMsg   = 2013

	flagMoreToCome = 1 << 1
)

// readMessage reads a whole message.
func readMessage(r io.Reader) (message, error) {
	var header [headerLength]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint32(header[:])
	if length < headerLength || length > maxMessage {
		return nil, fmt.Errorf("a message of %d bytes", length)
	}
	m := make(message, length)
	copy(m, header[:])
	_, err := io.ReadFull(r, m[headerLength:])
	return m, err
}

func (m message) opCode() uint32 { return binary.LittleEndian.Uint32(m[12:]) }

// moreToCome reports whether the sender sends another message before the receiver
// answers.
func (m message) moreToCome() bool {
	return m.opCode() == opMsg && len(m) >= headerLength+4 &&
		binary.LittleEndian.Uint32(m[headerLength:])&flagMoreToCome != 0
}

// unanswered reports whether the command wants no reply, such as one without a
// write concern.
func (m message) unanswered() bool { return m.moreToCome() }

// name returns the command's name, the first key of its document. It returns
// "hello" for a driver's first message, and "" for what is not a command.
func (m message) name() string {
	switch m.opCode() {
	case opQuery:
		return "hello"
	case opMsg:
		// Flags, a section's kind, the document's length, the first element's type.
		const key = headerLength + 4 + 1 + 4 + 1
		if len(m) > key && m[headerLength+4] == 0 {
			name, _, _ := bytes.Cut(m[key:], []byte{0})
			return string(name)
		}
	}
	return ""
}
