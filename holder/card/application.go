package card

import "tegata/holder/apdu"

// An Application is what answers once its AID has been selected. The card calls
// its methods one at a time. The element adds its wallet this way.
type Application interface {
	// AID is the whole application identifier, 5 to 16 bytes.
	AID() []byte
	// Select is asked when a terminal names the application, even when it is
	// current already: whatever was verified before is forgotten. A status word
	// other than 9000 refuses, and the application before stays current.
	Select() uint16
	// Deselect ends the session: another application was selected, or power
	// went. Nothing verified survives it.
	Deselect()
	// Process answers any command that the card level does not answer itself.
	// The data of c is only valid during the call.
	Process(c apdu.Command) apdu.Response
}
