package apdu

import "errors"

// MaxResponseData is the longest response data field, in bytes.
const MaxResponseData = 65536

// ErrResponse says that the bytes are no response APDU.
var ErrResponse = errors.New("apdu: a response is 2 to 65538 bytes")

// A Response is a response APDU.
type Response struct {
	Data []byte // at most MaxResponseData bytes
	SW   uint16
}

// ParseResponse reads a response APDU; Data aliases b. The only error is
// ErrResponse: a status word that is not 9000 is not an error here, see Err.
func ParseResponse(b []byte) (Response, error) {
	n := len(b) - 2
	if n < 0 || n > MaxResponseData {
		return Response{}, ErrResponse
	}
	return Response{Data: b[:n:n], SW: uint16(b[n])<<8 | uint16(b[n+1])}, nil
}

// Bytes encodes r.
func (r Response) Bytes() []byte {
	b := append(make([]byte, 0, len(r.Data)+2), r.Data...)
	return append(b, byte(r.SW>>8), byte(r.SW))
}

// Err is nil for 9000 and a *StatusError otherwise.
func (r Response) Err() error {
	if r.SW == SWOK {
		return nil
	}
	return &StatusError{SW: r.SW}
}

// Status is a response of a status word alone.
func Status(sw uint16) Response { return Response{SW: sw} }

// OK is 9000 with data.
func OK(data []byte) Response { return Response{Data: data, SW: SWOK} }
