package tsp

import (
	"crypto"
	"encoding/asn1"
	"fmt"
	"math/big"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Info is a TSTInfo (RFC 3161, 2.4.2): what a token says.
type Info struct {
	Policy   asn1.ObjectIdentifier
	Hash     crypto.Hash
	Imprint  []byte
	Serial   *big.Int
	Time     time.Time // genTime, UTC
	Accuracy time.Duration
	Ordering bool
	Nonce    *big.Int // nil: none
	Name     []byte   // tsa, the DER of a GeneralName; nil: none
}

// Proven is the moment before which the digest existed for certain: the end of the
// interval that the accuracy makes of Time.
func (i Info) Proven() time.Time { return i.Time.Add(i.Accuracy) }

// maxSerial bounds a serial number: 160 bits (RFC 3161, 2.4.2).
const maxSerial = 160

func (i Info) marshal() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1ObjectIdentifier(i.Policy)
		addImprint(b, i.Hash, i.Imprint)
		b.AddASN1BigInt(i.Serial)
		b.AddASN1GeneralizedTime(i.Time.UTC().Truncate(time.Second))
		if i.Accuracy > 0 {
			addAccuracy(b, i.Accuracy)
		}
		if i.Ordering {
			b.AddASN1Boolean(true)
		}
		if i.Nonce != nil {
			b.AddASN1BigInt(i.Nonce)
		}
		if i.Name != nil {
			b.AddASN1(tagged(0), func(b *cryptobyte.Builder) { b.AddBytes(i.Name) })
		}
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("tsp: TSTInfo: %w", err)
	}
	return der, nil
}

// addAccuracy writes seconds, milliseconds and microseconds, each where it is not 0.
func addAccuracy(b *cryptobyte.Builder, d time.Duration) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if s := int64(d / time.Second); s > 0 {
			b.AddASN1Int64(s)
		}
		for n, part := range []int64{d.Milliseconds() % 1000, d.Microseconds() % 1000} {
			if part > 0 {
				b.AddASN1Int64WithTag(part, cbasn1.Tag(n).ContextSpecific())
			}
		}
	})
}

// ParseInfo reads the content of a token whose signature was checked. Errors:
// ErrMalformed, ErrWeakDigest.
func ParseInfo(der []byte) (Info, error) {
	i := Info{Serial: new(big.Int)}
	in := cryptobyte.String(der)
	var fields, when cryptobyte.String
	var version int64
	if !in.ReadASN1(&fields, cbasn1.SEQUENCE) || !in.Empty() || !fields.ReadASN1Integer(&version) || version != 1 ||
		!fields.ReadASN1ObjectIdentifier(&i.Policy) {
		return i, ErrMalformed
	}
	var err error
	if i.Hash, i.Imprint, err = readImprint(&fields); err != nil {
		return i, err
	}
	if !fields.ReadASN1Integer(i.Serial) || i.Serial.Sign() < 0 || i.Serial.BitLen() > maxSerial ||
		!fields.ReadASN1(&when, cbasn1.GeneralizedTime) {
		return i, ErrMalformed
	}
	if i.Time, err = parseTime(string(when)); err != nil {
		return i, err
	}
	return i, i.parseRest(fields)
}

// parseRest reads the optional fields of TSTInfo.
func (i *Info) parseRest(fields cryptobyte.String) error {
	if fields.PeekASN1Tag(cbasn1.SEQUENCE) {
		var accuracy cryptobyte.String
		if !fields.ReadASN1(&accuracy, cbasn1.SEQUENCE) || !i.parseAccuracy(accuracy) {
			return ErrMalformed
		}
	}
	if fields.PeekASN1Tag(cbasn1.BOOLEAN) && !fields.ReadASN1Boolean(&i.Ordering) {
		return ErrMalformed
	}
	if fields.PeekASN1Tag(cbasn1.INTEGER) {
		i.Nonce = new(big.Int)
		if !fields.ReadASN1Integer(i.Nonce) || i.Nonce.BitLen() > maxNonce {
			return ErrMalformed
		}
	}
	if fields.PeekASN1Tag(tagged(0)) {
		var name cryptobyte.String
		if !fields.ReadASN1(&name, tagged(0)) || name.Empty() {
			return ErrMalformed
		}
		i.Name = name
	}
	// RFC 3161, 2.4.2: extensions may be critical; none is known here, and a token
	// means nothing to whoever does not understand all of it.
	if !fields.Empty() {
		return fmt.Errorf("%w: an extension that is not known here", ErrMalformed)
	}
	return nil
}

func (i *Info) parseAccuracy(in cryptobyte.String) bool {
	var seconds int64
	if in.PeekASN1Tag(cbasn1.INTEGER) && (!in.ReadASN1Integer(&seconds) || seconds < 0 || seconds > 24*60*60) {
		return false
	}
	i.Accuracy = time.Duration(seconds) * time.Second
	for n, unit := range []time.Duration{time.Millisecond, time.Microsecond} {
		tag := cbasn1.Tag(n).ContextSpecific()
		if !in.PeekASN1Tag(tag) {
			continue
		}
		var part int64
		if !in.ReadASN1Int64WithTag(&part, tag) || part < 1 || part > 999 {
			return false
		}
		i.Accuracy += time.Duration(part) * unit
	}
	return in.Empty()
}

// parseTime reads genTime: GeneralizedTime in UTC, perhaps with a fraction of a
// second that does not end in 0 (RFC 3161, 2.4.2).
func parseTime(text string) (time.Time, error) {
	whole, fraction, has := strings.Cut(strings.TrimSuffix(text, "Z"), ".")
	if !strings.HasSuffix(text, "Z") || has && (fraction == "" || len(fraction) > 9 || strings.HasSuffix(fraction, "0")) {
		return time.Time{}, ErrMalformed
	}
	layout := "20060102150405"
	if has {
		whole, layout = whole+"."+fraction, layout+"."+strings.Repeat("0", len(fraction))
	}
	t, err := time.Parse(layout, whole)
	if err != nil {
		return time.Time{}, ErrMalformed
	}
	return t.UTC(), nil
}
