package apdu

import (
	"errors"
	"fmt"
)

// Status words, ISO/IEC 7816-4, 5.6, as the ID card uses them.
const (
	SWOK                uint16 = 0x9000
	SWMore              uint16 = 0x6100 // plus how many bytes are to be fetched, 00 for 256 and more
	SWCounter           uint16 = 0x63C0 // plus the tries left; see CounterSW
	SWUnlimited         uint16 = 0x6300
	SWMemoryFailure     uint16 = 0x6581 // the card could not write its state
	SWNoSessionKey      uint16 = 0x66F1
	SWWrongLength       uint16 = 0x6700
	SWNoSecureMessaging uint16 = 0x6882
	SWChainBroken       uint16 = 0x6883 // the last command of a chain was expected
	SWWrongFileType     uint16 = 0x6981
	SWNotAllowed        uint16 = 0x6982 // security status not satisfied
	SWBlocked           uint16 = 0x6984 // the reference is blocked: the ID card's lock code
	SWConditions        uint16 = 0x6985
	SWNoCurrentFile     uint16 = 0x6986
	SWWrongData         uint16 = 0x6A80
	SWNoFunction        uint16 = 0x6A81
	SWNotFound          uint16 = 0x6A82
	SWNoRecord          uint16 = 0x6A83
	SWWrongP1P2         uint16 = 0x6A86
	SWNoReference       uint16 = 0x6A88
	SWWrongOffset       uint16 = 0x6B00
	SWUnknownIns        uint16 = 0x6D00
	SWUnknownClass      uint16 = 0x6E00
)

// CounterSW is 63Cx for the given number of tries left; more than 15 cannot be
// said and reads 15.
func CounterSW(tries int) uint16 {
	return SWCounter | uint16(min(max(tries, 0), 15))
}

// Instruction bytes that packages of ours send or answer.
const (
	InsVerify          byte = 0x20
	InsChangeReference byte = 0x24
	InsSign            byte = 0x2A // with class 80: COMPUTE DIGITAL SIGNATURE
	InsResetRetry      byte = 0x2C
	InsChangeKey       byte = 0x32 // JICSAP, with class 80
	InsGetChallenge    byte = 0x84
	InsInternalAuth    byte = 0x88
	InsTerminalCVC     byte = 0xA2
	InsSelect          byte = 0xA4
	InsSetSessionKey   byte = 0xAE
	InsReadBinary      byte = 0xB0
	InsReadRecord      byte = 0xB2
	InsGetResponse     byte = 0xC0
	InsEnvelope        byte = 0xC3 // its data field is BER-TLV (ISO/IEC 7816-4: b1 of INS is 1)
	InsGetData         byte = 0xCA
	InsLastCommand     byte = 0xFC
)

// ErrBlocked is any answer that says that a secret is blocked: 6984, and a
// counter that has come down to zero.
var ErrBlocked = errors.New("apdu: the secret is blocked")

// A StatusError is a response whose status word is not 9000. It unwraps to a
// *PINError for 63Cx and to ErrBlocked for 6984.
type StatusError struct{ SW uint16 }

func (e *StatusError) Error() string { return fmt.Sprintf("apdu: card answered %04X", e.SW) }

// Unwrap lets callers ask for the meaning instead of the number.
func (e *StatusError) Unwrap() error {
	switch {
	case e.SW&0xFFF0 == SWCounter:
		return &PINError{TriesLeft: int(e.SW & 0x000F)}
	case e.SW == SWBlocked:
		return ErrBlocked
	}
	return nil
}

// A PINError says that the secret was wrong and how many tries are left.
type PINError struct{ TriesLeft int }

func (e *PINError) Error() string {
	return fmt.Sprintf("apdu: wrong secret, %d tries left", e.TriesLeft)
}

// Is makes the last wrong try an ErrBlocked too.
func (e *PINError) Is(target error) bool { return target == ErrBlocked && e.TriesLeft == 0 }

// IsStatus reports whether err holds a response with status word sw.
func IsStatus(err error, sw uint16) bool {
	status, ok := errors.AsType[*StatusError](err)
	return ok && status.SW == sw
}
