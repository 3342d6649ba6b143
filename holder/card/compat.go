package card

import (
	"tegata/holder/apdu"
)

// Compat is what a phone decides about terminals that know nothing but the card
// (compatibility mode). The holder switches it on under the PIN, for five
// minutes; the phone shows a one-time code, which such a terminal sends as if it
// were the PIN. The methods are called during a tap, one at a time.
type Compat interface {
	// Session is a number that is new each time compatibility mode is switched
	// on, and whether it is on now.
	Session() (number uint64, on bool)
	// Tries is how many wrong codes are left in this session.
	Tries() int
	// Verify compares one code. The phone counts the try before comparing, and
	// ends the session when there are none left.
	Verify(code []byte) bool
	// Sign asks for one raw signature with the authentication key: the phone
	// counts it, writes it into the history, and says whether it may be made.
	Sign() bool
}

// gated is the JPKI application as a phone shows it over a tap: nothing at all
// (6985), or in compatibility mode the authentication key alone. Counters still
// answer as counters, the signature password's as one that is used up, since
// card programs stop at anything else.
type gated struct {
	inner   *directory
	compat  Compat // nil: never on
	session uint64 // the one that inner's session belongs to
}

func (g *gated) AID() []byte { return g.inner.AID() }
func (g *gated) Deselect()   { g.inner.Deselect() }

func (g *gated) Select() uint16 {
	if !g.on() {
		return apdu.SWConditions
	}
	return g.inner.Select()
}

// on reports whether compatibility mode is on; a new session of it begins with
// nothing verified.
func (g *gated) on() bool {
	if g.compat == nil {
		return false
	}
	number, on := g.compat.Session()
	if !on || number != g.session {
		g.inner.Deselect()
	}
	g.session = number
	return on
}

func (g *gated) Process(cmd apdu.Command) apdu.Response {
	if !g.on() {
		return apdu.Status(apdu.SWConditions)
	}
	switch uint16(cmd.CLA)<<8 | uint16(cmd.INS) {
	case 0x0000 | uint16(apdu.InsSelect), 0x0000 | uint16(apdu.InsReadBinary):
		return g.inner.Process(cmd)
	case 0x0000 | uint16(apdu.InsVerify):
		return g.verify(cmd)
	case 0x8000 | uint16(apdu.InsSign):
		return g.sign(cmd)
	}
	return apdu.Status(apdu.SWConditions)
}

func (g *gated) verify(cmd apdu.Command) apdu.Response {
	f, sw := g.inner.addressPIN(cmd, 0x00)
	switch {
	case sw != apdu.SWOK:
		return apdu.Status(sw)
	case f.id != apdu.EFAuthPIN && len(cmd.Data) == 0:
		return apdu.Status(apdu.CounterSW(0))
	case f.id != apdu.EFAuthPIN:
		return apdu.Status(apdu.SWConditions)
	case len(cmd.Data) == 0:
		return apdu.Status(apdu.CounterSW(g.compat.Tries()))
	case g.compat.Tries() <= 0:
		return apdu.Status(apdu.SWBlocked)
	}
	ok := g.compat.Verify(cmd.Data)
	g.inner.verified[f.id] = ok
	if !ok {
		return apdu.Status(apdu.CounterSW(g.compat.Tries()))
	}
	return apdu.OK(nil)
}

// sign lets the authentication key sign what is given (P1=00), as the simplest
// card program asks, if the phone allows one more. What comes out can never be
// an answer of the ceremony, which is RSASSA-PSS.
func (g *gated) sign(cmd apdu.Command) apdu.Response {
	f, sw := g.inner.address(cmd.P2)
	switch {
	case sw != apdu.SWOK:
		return apdu.Status(sw)
	case cmd.P1 != apdu.SignVerbatim || f.id != apdu.EFAuthKey:
		return apdu.Status(apdu.SWConditions)
	case !g.inner.verified[f.opener]:
		return apdu.Status(apdu.SWNotAllowed)
	}
	if sw := checkSignatureInput(cmd); sw != apdu.SWOK {
		return apdu.Status(sw)
	}
	if !g.compat.Sign() {
		return apdu.Status(apdu.SWConditions)
	}
	return g.inner.sign(cmd)
}
