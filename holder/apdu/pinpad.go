package apdu

import (
	"encoding/binary"
	"errors"
)

// A reader that has a key pad of its own takes the PIN there and sends VERIFY by itself:
// the terminal never has the digits (PC/SC part 10, FEATURE_VERIFY_PIN_DIRECT). The
// terminal asks for it by a command of the class that is the reader's, not the card's.
const (
	ClassReader   byte = 0xFF
	InsFeature    byte = 0xC2
	VerifyPINPad  byte = 0x06 // P2: the feature
	KeysAtPad     byte = 0x10 // P2: FEATURE_GET_KEY, keys that are no secret
	padKeys            = 2    // of them: a number of two digits
	padStructure       = 19   // bytes of PIN_VERIFY before the command
	padTemplate        = 9    // bytes of the command: header, length, four digits
	padPINAt           = 5    // where in it the digits go
	padASCII           = 0x82 // bmFormatString: bytes, ASCII
	padLengthFour      = 0x0404
	padWhenOK          = 0x02 // bEntryValidationCondition: the OK key
	padLanguageJA      = 0x0411
	placeholder   byte = 0xFF
)

// Status words of a reader's key pad (PC/SC part 10, 2.6.2).
const (
	SWPadTimeout   uint16 = 0x6400 // nothing was typed
	SWPadCancelled uint16 = 0x6401
)

// errPad says that a command is none for a key pad.
var errPad = errors.New("apdu: no command for a key pad of four digits")

// VerifyAtPad has the reader's key pad take four digits and verify them against the
// reference in a file of the current application.
func VerifyAtPad(file uint16) Command {
	b := make([]byte, padStructure, padStructure+padTemplate)
	b[2], b[3] = padASCII, 4 // bmPINBlockString: four bytes
	binary.LittleEndian.PutUint16(b[5:], padLengthFour)
	b[7], b[8] = padWhenOK, 1
	binary.LittleEndian.PutUint16(b[9:], padLanguageJA)
	binary.LittleEndian.PutUint32(b[15:], padTemplate)
	b = append(b, 0, InsVerify, 0, ByShortID(file), 4, placeholder, placeholder, placeholder, placeholder)
	return Command{CLA: ClassReader, INS: InsFeature, P1: 1, P2: VerifyPINPad, Data: b, Le: NoLe}
}

// ReadPad asks the reader's key pad for the two digits that somebody typed before the PIN:
// a number that the terminal shows, and no secret.
func ReadPad() Command {
	return Command{CLA: ClassReader, INS: InsFeature, P1: 1, P2: KeysAtPad, Data: []byte{padKeys}, Le: NoLe}
}

// ReadsPad reports whether a command is ReadPad.
func (c Command) ReadsPad() bool {
	return c.ForPad() && c.INS == InsFeature && c.P1 == 1 && c.P2 == KeysAtPad && len(c.Data) == 1 && c.Data[0] == padKeys
}

// ForPad reports whether a command is for the reader rather than for what lies in it.
func (c Command) ForPad() bool { return c.CLA == ClassReader }

// PadTemplate reads VerifyAtPad: the VERIFY that waits for its digits, and where they go.
// Nothing but a VERIFY of four digits is accepted, so that what is typed goes nowhere else.
func (c Command) PadTemplate() (verify []byte, at int, err error) {
	if c.INS != InsFeature || c.P1 != 1 || c.P2 != VerifyPINPad || len(c.Data) != padStructure+padTemplate ||
		binary.LittleEndian.Uint32(c.Data[15:]) != padTemplate {
		return nil, 0, errPad
	}
	verify = append([]byte(nil), c.Data[padStructure:]...)
	if verify[0] != 0 || verify[1] != InsVerify || verify[2] != 0 || verify[4] != 4 {
		return nil, 0, errPad
	}
	return verify, padPINAt, nil
}
