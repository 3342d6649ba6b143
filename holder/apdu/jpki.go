package apdu

// Identifiers of the JPKI application (公的個人認証), which a card holds and a
// terminal asks for. The same on the card and on the phone's element.

// JPKIAID is the application identifier of the JPKI application.
func JPKIAID() []byte {
	return []byte{0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01}
}

// Elementary files of the JPKI application. All but those marked are free to
// read; key and PIN files are never read.
const (
	EFSignCertificate uint16 = 0x0001 // after EFSignPIN
	EFSignAuthority   uint16 = 0x0002
	EFTokenInfo       uint16 = 0x0006
	EFPresence        uint16 = 0x0008 // which certificates there are
	EFUnknown9        uint16 = 0x0009 // purpose not public, never readable
	EFAuthCertificate uint16 = 0x000A // on a phone after EFAuthPIN
	EFAuthAuthority   uint16 = 0x000B
	EFTerminalKey     uint16 = 0x0016 // terminal authority's key reference
	EFAuthKey         uint16 = 0x0017
	EFAuthPIN         uint16 = 0x0018
	EFSignKey         uint16 = 0x001A
	EFSignPIN         uint16 = 0x001B
)

// Labels in the token information, by which terminals tell tokens apart.
const (
	LabelCard  = "JPKIAPICCTOKEN2"
	LabelPhone = "JPKIAPGPSETOKEN"
)

// P1 of COMPUTE DIGITAL SIGNATURE: what the data is and what is made of it.
const (
	SignVerbatim     byte = 0x00 // data is signed as it is, PKCS #1 v1.5 type 1
	SignHashBare     byte = 0x01 // the card hashes; the bare SHA-256 is padded
	SignDigestInfo   byte = 0x02 // data is a SHA-256; DigestInfo
	SignHashInfo     byte = 0x03 // the card hashes; DigestInfo
	SignPSS          byte = 0x04 // data is a SHA-256; RSASSA-PSS
	SignHashPSS      byte = 0x05 // the card hashes; RSASSA-PSS
	MaxVerbatim           = 245  // bytes; PKCS #1 v1.5 leaves that in 2048 bits
	MaxHashedByCard       = 255  // bytes
	TokenInfoLength       = 160  // bytes of EFTokenInfo
	TokenLabelLength      = 32   // bytes of the label at its start
)

// CurrentFile is P2 of VERIFY, CHANGE REFERENCE DATA and COMPUTE DIGITAL
// SIGNATURE for the file selected last.
const CurrentFile byte = 0x80

// ByShortID is P2 that names a file of the current application by its short
// identifier, the low five bits of its identifier, without selecting it first.
func ByShortID(fid uint16) byte { return 0x80 | byte(fid&0x1F) }
