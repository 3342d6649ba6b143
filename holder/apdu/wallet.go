package apdu

// Identifiers of the wallet application of a phone, to which a terminal hands a request
// over. The same on the phone's element and at the terminal.

// WalletAID is the application identifier of the wallet: F is the category of proprietary
// identifiers, which nobody registers (ISO/IEC 7816-4, 12.2.3); the rest is "TEGATA" and 1.
func WalletAID() []byte {
	return []byte{0xF0, 0x54, 0x45, 0x47, 0x41, 0x54, 0x41, 0x01}
}

// TagURL is the data object that holds the address of a request (ISO/IEC 7816-6: uniform
// resource locator).
const TagURL uint32 = 0x5F50

// TagCarried is the data object in which a phone without a network gives its answer to the
// terminal that it is held to again (ISO/IEC 7816-6: discretionary data object), and
// MaxCarried the longest one.
const (
	TagCarried uint32 = 0x53
	MaxCarried        = 32 << 10 // bytes
)

// MoreSW is 61xx for so many bytes that wait for GET RESPONSE (ISO/IEC 7816-4, 5.3.4).
func MoreSW(bytes int) uint16 {
	if bytes >= MaxShortResponse {
		return SWMore
	}
	return SWMore | uint16(bytes)
}

// IsMore says whether a status word is 61xx.
func IsMore(sw uint16) bool { return sw&0xFF00 == SWMore }

// MaxShortResponse is what a short command is answered at most.
const MaxShortResponse = 256 // bytes

// GetResponse fetches what waits after 61xx.
func GetResponse() Command { return Command{INS: InsGetResponse, Le: MaxShortResponse} }

// MaxURL is the longest address that a wallet takes.
const MaxURL = 2048 // bytes

// ClassChain is the class byte of a command that another one of its chain follows
// (ISO/IEC 7816-4, 5.1.1.1). The last one's is 00.
const ClassChain byte = 0x10

// HandOver are the commands that hand an address over: SELECT by name, then the address
// in one chain of ENVELOPE commands, in short form: not every reader passes long ones.
// Nil when the address is empty or longer than MaxURL.
func HandOver(address string) []Command {
	if address == "" || len(address) > MaxURL {
		return nil
	}
	all := []Command{{INS: InsSelect, P1: 0x04, P2: 0x0C, Data: WalletAID(), Le: NoLe}}
	object := TLV{Tag: TagURL, Value: []byte(address)}.Bytes()
	for len(object) > 0 {
		n := min(len(object), MaxShortData)
		c := Command{CLA: ClassChain, INS: InsEnvelope, Data: object[:n], Le: NoLe}
		if object = object[n:]; len(object) == 0 {
			c.CLA = 0x00
		}
		all = append(all, c)
	}
	return all
}
