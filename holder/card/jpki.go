package card

import (
	"tegata/holder/apdu"
)

// Names of the JPKI application's files in the state.
const (
	jpkiSignCertificate = "jpki/0001"
	jpkiSignAuthority   = "jpki/0002"
	jpkiAuthCertificate = "jpki/000A"
	jpkiAuthAuthority   = "jpki/000B"
	jpkiAuthKey         = "jpki/0017"
	jpkiAuthPIN         = "jpki/0018"
	jpkiSignKey         = "jpki/001A"
	jpkiSignPIN         = "jpki/001B"
)

// Tries of the JPKI application's secrets.
const (
	authTries = 3
	signTries = 5
)

// newJPKI is the JPKI application: two key pairs, each behind its own secret,
// with their certificates and the certificates of their authorities.
func newJPKI(m *memory) *directory {
	stored := func(name string) func() []byte { return func() []byte { return m.file(name) } }
	info := m.state.Profile.tokenInfo(m.state.Token.Serial)
	certificateRule := rule(free)
	if m.state.Profile == ProfilePhone {
		certificateRule = after(apdu.EFAuthPIN)
	}
	d := &directory{name: "jpki", aid: apdu.JPKIAID(), memory: m, files: []file{
		{id: apdu.EFSignCertificate, read: after(apdu.EFSignPIN), content: stored(jpkiSignCertificate)},
		{id: apdu.EFSignAuthority, read: free, content: stored(jpkiSignAuthority)},
		{id: 0x0005, read: never}, // exists; content unknown
		{id: apdu.EFTokenInfo, read: free, content: func() []byte { return info }},
		{id: apdu.EFPresence, read: free, content: func() []byte { return presence(m) }},
		{id: apdu.EFUnknown9, read: never},
		{id: apdu.EFAuthCertificate, read: certificateRule, content: stored(jpkiAuthCertificate)},
		{id: apdu.EFAuthAuthority, read: free, content: stored(jpkiAuthAuthority)},
		{id: 0x0010, kind: opaque},
		{id: apdu.EFTerminalKey, kind: opaque}, // key reference of the terminals' authority
		{id: apdu.EFAuthKey, kind: keyFile, opener: apdu.EFAuthPIN},
		{id: apdu.EFAuthPIN, kind: pinFile, secret: fourDigits},
		{id: 0x0019, kind: opaque},
		{id: apdu.EFSignKey, kind: keyFile, opener: apdu.EFSignPIN},
		{id: apdu.EFSignPIN, kind: pinFile, secret: capitalsAndDigits},
		{id: 0x001C, kind: opaque},
		{id: 0x001E, kind: opaque},
	}}
	d.Deselect()
	return d
}

// presence is EF 0008: 8F for a certificate that is there. A child under 15 has
// no signature certificate. Assumption: a missing one reads 00.
func presence(m *memory) []byte {
	b := []byte{0, 0, 0}
	for i, name := range []string{jpkiSignCertificate, jpkiAuthCertificate} {
		if len(m.file(name)) > 0 {
			b[i] = 0x8F
		}
	}
	return b
}
