package element

import (
	"tegata/holder/apdu"
	"tegata/holder/card"
)

// NewWallet is the application by which a terminal hands a request over: the address of
// the request, in ENVELOPE commands. It answers nothing else, and has no secret: VERIFY is
// an instruction that it does not know.
//
// receive is given each address and says by a status word whether the phone takes it: 9000
// is "received", and the phone goes on over the network. It is called during the tap and
// must not block, nor call the Card.
func NewWallet(receive func(address string) uint16) card.Application {
	return NewCarryingWallet(receive, nil)
}

// NewCarryingWallet is NewWallet for a phone that may have signed an answer and have no
// network: handed the address of that request again, it gives the answer (61xx, GET
// RESPONSE, ISO/IEC 7816-4, 5.3.4). carried is asked for it first, nil when there is none;
// it is called as receive is.
func NewCarryingWallet(receive func(address string) uint16, carried func(address string) []byte) card.Application {
	return &wallet{receive: receive, carried: carried}
}

type wallet struct {
	receive func(string) uint16
	carried func(string) []byte
	chain   []byte // what came of a chain that is not over; nil when there is none
	rest    []byte // of an answer that is being fetched
}

// maxURLObject is the longest data object that a wallet takes: tag, length and address.
const maxURLObject = 2 + 3 + apdu.MaxURL // bytes

func (w *wallet) AID() []byte    { return apdu.WalletAID() }
func (w *wallet) Select() uint16 { w.chain, w.rest = nil, nil; return apdu.SWOK }
func (w *wallet) Deselect()      { w.chain, w.rest = nil, nil }

func (w *wallet) Process(c apdu.Command) apdu.Response {
	begun, rest := w.chain, w.rest
	w.chain, w.rest = nil, nil // whatever is refused ends the chain, and what was being fetched
	switch {
	case c.CLA&0xE0 == 0 && c.CLA&0x0C != 0:
		return apdu.Status(apdu.SWNoSecureMessaging)
	case c.CLA != 0x00 && c.CLA != apdu.ClassChain:
		return apdu.Status(apdu.SWUnknownClass)
	case c.INS != apdu.InsEnvelope && begun != nil:
		// ISO/IEC 7816-4, 5.1.1.1: the commands of a chain are consecutive and differ in
		// the class byte alone.
		return apdu.Status(apdu.SWChainBroken)
	case c.INS == apdu.InsGetResponse && rest != nil && c.CLA == 0x00:
		return w.give(c, rest)
	case c.INS != apdu.InsEnvelope:
		return apdu.Status(apdu.SWUnknownIns)
	case c.P1 != 0 || c.P2 != 0:
		return apdu.Status(apdu.SWWrongP1P2)
	case len(c.Data) == 0 || len(begun)+len(c.Data) > maxURLObject:
		return apdu.Status(apdu.SWWrongLength)
	}
	object := append(begun, c.Data...) // a copy: the data is ours during the call only
	if c.CLA == apdu.ClassChain {
		w.chain = object
		return apdu.OK(nil)
	}
	address, ok := addressIn(object)
	if !ok {
		return apdu.Status(apdu.SWWrongData)
	}
	if w.carried != nil {
		if answer := w.carried(address); len(answer) > 0 && len(answer) <= apdu.MaxCarried {
			w.rest = apdu.TLV{Tag: apdu.TagCarried, Value: answer}.Bytes()
			return apdu.Status(apdu.MoreSW(len(w.rest)))
		}
	}
	return apdu.Status(w.receive(address))
}

// give answers GET RESPONSE with the next part of an answer.
func (w *wallet) give(c apdu.Command, rest []byte) apdu.Response {
	if c.P1 != 0 || c.P2 != 0 {
		return apdu.Status(apdu.SWWrongP1P2)
	}
	if len(c.Data) != 0 || c.Le == apdu.NoLe {
		return apdu.Status(apdu.SWWrongLength)
	}
	n := min(len(rest), c.Le, apdu.MaxShortResponse)
	part := rest[:n]
	if rest = rest[n:]; len(rest) == 0 {
		return apdu.OK(part)
	}
	w.rest = rest
	return apdu.Response{Data: part, SW: apdu.MoreSW(len(rest))}
}

// addressIn reads the one data object that is handed over. ISO/IEC 7816-6: its value is
// text; no character of an address is outside the printable ones of ASCII (RFC 3986,
// section 2).
func addressIn(object []byte) (string, bool) {
	tag, length, header, err := apdu.ParseHeader(object)
	if err != nil || tag != apdu.TagURL || length == 0 || length > apdu.MaxURL || len(object) != header+length {
		return "", false
	}
	for _, b := range object[header:] {
		if b <= 0x20 || b >= 0x7F {
			return "", false
		}
	}
	return string(object[header:]), true
}
