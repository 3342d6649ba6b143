package card

import (
	"tegata/holder/apdu"
)

// manager is the GlobalPlatform issuer security domain: current after power-on,
// and the place of the data objects of the card as a whole.
type manager struct {
	profile Profile
	token   Token
}

func (*manager) AID() []byte    { return []byte{0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00} }
func (*manager) Select() uint16 { return apdu.SWOK }
func (*manager) Deselect()      {}

func (m *manager) Process(cmd apdu.Command) apdu.Response {
	if sw := checkClass(cmd); sw != apdu.SWOK {
		return apdu.Status(sw)
	}
	switch {
	case cmd.CLA != 0x00:
		return apdu.Status(apdu.SWUnknownIns)
	case cmd.INS == apdu.InsSelect:
		return selectAtMaster(cmd)
	case cmd.INS == apdu.InsGetData:
		return m.getData(cmd)
	case cmd.INS == apdu.InsGetChallenge:
		return challenge(cmd)
	case cmd.INS == apdu.InsReadBinary, cmd.INS == apdu.InsVerify:
		return apdu.Status(apdu.SWNoCurrentFile) // there are no files here
	}
	return apdu.Status(apdu.SWUnknownIns)
}

// selectAtMaster is SELECT before any application: there is no master file to
// select (6A86), nor one by identifier (6A82), nor elementary files.
func selectAtMaster(cmd apdu.Command) apdu.Response {
	switch {
	case cmd.P1 == 0x00 && len(cmd.Data) == 0:
		return apdu.Status(apdu.SWWrongP1P2)
	case cmd.P1 == 0x00 || cmd.P1 == 0x02:
		return apdu.Status(apdu.SWNotFound)
	}
	return apdu.Status(apdu.SWWrongP1P2)
}

// getData is GET DATA. An object longer than the terminal's Le answers 6700, so
// that it asks again with a longer one.
func (m *manager) getData(cmd apdu.Command) apdu.Response {
	object := m.object(uint16(cmd.P1)<<8 | uint16(cmd.P2))
	switch {
	case len(cmd.Data) != 0 || cmd.Le == apdu.NoLe:
		return apdu.Status(apdu.SWWrongLength)
	case object == nil:
		return apdu.Status(apdu.SWNoReference)
	case len(object) > cmd.Le:
		return apdu.Status(apdu.SWWrongLength)
	}
	return apdu.OK(object)
}

// object returns a data object of the card, or nil. The issuer's key identifier
// (0042) and the CV certificates (00F8, 7F21) come with the applications that
// are signed under them.
func (m *manager) object(tag uint16) []byte {
	switch tag {
	case 0x0045:
		return []byte(m.token.CardID)
	case 0x0066:
		return recognition()
	case 0x00F0:
		return optional(m.token.Municipality)
	case 0x00F2:
		return optional(m.token.Expires)
	case 0x5F51:
		return m.profile.atr()[1:] // without the initial character 3B
	}
	return nil
}

func optional(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

// recognition is GlobalPlatform's card recognition data (Card Specification
// 2.3.1, H.2): "a GlobalPlatform card, version 2.1.1", and no more.
func recognition() []byte {
	oid := func(arcs ...byte) []byte {
		// 1.2.840.114283 (GlobalPlatform) and what follows it
		return apdu.TLV{Tag: 0x06, Value: append([]byte{0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B}, arcs...)}.Bytes()
	}
	version := apdu.TLV{Tag: 0x60, Value: oid(2, 2, 1, 1)}.Bytes()
	inner := append(oid(1), version...)
	return apdu.TLV{Tag: 0x66, Value: apdu.TLV{Tag: 0x73, Value: inner}.Bytes()}.Bytes()
}

// silence is what a phone's element has in place of a card manager: it says
// nothing about itself to a reader that has selected nothing.
type silence struct{}

func (silence) AID() []byte                        { return nil } // matches no name
func (silence) Select() uint16                     { return apdu.SWConditions }
func (silence) Deselect()                          {}
func (silence) Process(apdu.Command) apdu.Response { return apdu.Status(apdu.SWConditions) }

// checkClass refuses class bytes that no application here knows. Secure
// messaging (08, 0C) is the text application's alone: 6882 elsewhere.
func checkClass(cmd apdu.Command) uint16 {
	switch cmd.CLA {
	case 0x00, 0x80:
		return apdu.SWOK
	case 0x08, 0x0C:
		return apdu.SWNoSecureMessaging
	}
	return apdu.SWUnknownClass
}
