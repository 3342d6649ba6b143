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
