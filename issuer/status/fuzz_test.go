package status

import (
	"bytes"
	"testing"
)

// FuzzOCSPRequest: no panic, bounded memory, and what parses is repeated octet for
// octet in an answer.
func FuzzOCSPRequest(f *testing.F) {
	tlv := func(tag byte, content ...[]byte) []byte {
		whole := bytes.Join(content, nil)
		if len(whole) > 127 {
			return append([]byte{tag, 0x81, byte(len(whole))}, whole...)
		}
		return append([]byte{tag, byte(len(whole))}, whole...)
	}
	hash := bytes.Repeat([]byte{7}, 20)
	id := tlv(0x30, []byte("\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00"), tlv(4, hash), tlv(4, hash), tlv(2, []byte("\x40123456789abcdef")))
	nonce := tlv(0xA2, tlv(0x30, tlv(0x30, []byte("\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x02"), tlv(4, tlv(4, []byte("0123456789abcdef"))))))
	for _, seed := range [][]byte{
		tlv(0x30, tlv(0x30, tlv(0x30, tlv(0x30, id)))),
		tlv(0x30, tlv(0x30, tlv(0x30, tlv(0x30, id)), nonce)),
		tlv(0x30, tlv(0x30, tlv(0x30, tlv(0x30, id), tlv(0x30, id)))),
	} {
		if _, err := parseRequest(seed); err != nil {
			f.Fatalf("a seed does not parse: %x", seed)
		}
		f.Add(seed)
	}
	f.Add([]byte{0x30, 0})
	f.Add([]byte("0\x80"))
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := parseRequest(der)
		if err != nil {
			return
		}
		if len(der) > maxRequest || len(r.ids) == 0 || len(r.ids) > maxCertIDs || len(r.nonce) > maxNonce+4 {
			t.Fatalf("beyond the limits: %d octets, %d certificates, nonce of %d", len(der), len(r.ids), len(r.nonce))
		}
		for _, id := range r.ids {
			if !bytes.Contains(der, id.raw) {
				t.Fatal("a CertID that was not sent")
			}
			if id.ours && id.serial.Big().Sign() <= 0 {
				t.Fatal("a serial number of ours is positive")
			}
		}
		if r.nonce != nil && !bytes.Contains(der, r.nonce) {
			t.Fatal("a nonce that was not sent")
		}
	})
}
