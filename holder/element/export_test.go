package element

// CheckAttestation is the check of a new credential without an element around it.
func CheckAttestation(a Attestation, challenge []byte, origin, rpID string) error {
	_, err := a.verify(ceremonyOf{challenge: challenge, origin: origin, rpID: rpID})
	return err
}
