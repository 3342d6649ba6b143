package tsp

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Failure is a bit of PKIFailureInfo (RFC 3161, 2.4.2).
type Failure int

// The failures that the standard has.
const (
	BadAlg              Failure = 0
	BadRequest          Failure = 2
	BadDataFormat       Failure = 5
	TimeNotAvailable    Failure = 14
	UnacceptedPolicy    Failure = 15
	UnacceptedExtension Failure = 16
	AddInfoNotAvailable Failure = 17
	SystemFailure       Failure = 25
)

// String is the failure's name in the standard.
func (f Failure) String() string {
	names := map[Failure]string{BadAlg: "badAlg", BadRequest: "badRequest", BadDataFormat: "badDataFormat",
		TimeNotAvailable: "timeNotAvailable", UnacceptedPolicy: "unacceptedPolicy", UnacceptedExtension: "unacceptedExtension",
		AddInfoNotAvailable: "addInfoNotAvailable", SystemFailure: "systemFailure"}
	if name, ok := names[f]; ok {
		return name
	}
	return fmt.Sprintf("failure %d", int(f))
}

// Declined is why an authority gives no token: made by ParseRequest at the
// authority, by Request.Check at the requester. It is ErrDeclined.
type Declined struct {
	Failure Failure
	Reason  error // may be nil
}

func (d *Declined) Error() string {
	if d.Reason != nil {
		return fmt.Sprintf("%v: %v: %v", ErrDeclined, d.Failure, d.Reason)
	}
	return fmt.Sprintf("%v: %v", ErrDeclined, d.Failure)
}

// Is says that a Declined is ErrDeclined.
func (d *Declined) Is(target error) bool { return target == ErrDeclined }

// Unwrap returns the reason.
func (d *Declined) Unwrap() error { return d.Reason }

// PKIStatus (RFC 3161, 2.4.2). Everything else comes without a token.
const (
	granted         = 0
	grantedWithMods = 1
	rejection       = 2
)

// Granted is the TimeStampResp with a token.
func Granted(token []byte) []byte {
	return response(func(b *cryptobyte.Builder) { b.AddASN1Int64(granted) }, token)
}

// Rejected is the TimeStampResp without one.
func Rejected(f Failure) []byte {
	return response(func(b *cryptobyte.Builder) {
		b.AddASN1Int64(rejection)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(f.String())) })
		})
		b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
			bits := make([]byte, f/8+1) // a named bit list without trailing zeros (X.690, 11.2.2)
			bits[f/8] = 0x80 >> (f % 8)
			b.AddUint8(uint8(7 - f%8))
			b.AddBytes(bits)
		})
	}, nil)
}

func response(status func(*cryptobyte.Builder), token []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, status)
		b.AddBytes(token)
	})
	return b.BytesOrPanic() // nothing above can fail but by a bug
}

// parseResponse returns the token of a TimeStampResp. A *Declined when there is none.
func parseResponse(der []byte) ([]byte, error) {
	in := cryptobyte.String(der)
	var fields, status cryptobyte.String
	var code int64
	if !in.ReadASN1(&fields, cbasn1.SEQUENCE) || !in.Empty() || !fields.ReadASN1(&status, cbasn1.SEQUENCE) || !status.ReadASN1Integer(&code) {
		return nil, ErrMalformed
	}
	if code != granted && code != grantedWithMods {
		return nil, declined(status)
	}
	var token cryptobyte.String
	if !fields.ReadASN1Element(&token, cbasn1.SEQUENCE) || !fields.Empty() {
		return nil, ErrMalformed
	}
	return token, nil
}

// declined reads the rest of a PKIStatusInfo that grants nothing.
func declined(status cryptobyte.String) error {
	d := &Declined{Failure: SystemFailure}
	var text, one cryptobyte.String
	if status.ReadOptionalASN1(&text, nil, cbasn1.SEQUENCE) && text.ReadASN1(&one, cbasn1.UTF8String) {
		d.Reason = errors.New(string(one[:min(len(one), 200)]))
	}
	var bits cryptobyte.String
	if status.ReadASN1(&bits, cbasn1.BIT_STRING) && len(bits) > 1 {
		for n := range 8 * (len(bits) - 1) {
			if bits[1+n/8]&(0x80>>(n%8)) != 0 {
				d.Failure = Failure(n)
				break
			}
		}
	}
	return d
}
