package ra

// Code is the stable name of a refusal: the last part of the problem's type
// "urn:tegata:error:CODE". problems.go has the sentence and kind of each.
type Code = string

// Codes of any step.
const (
	CodeBadStep          Code = "bad-step"            // not a JWS of this shape
	CodeStepSignature    Code = "step-signature"      // not signed by this enrolment's device key
	CodeStepAudience     Code = "step-audience"       // aud is another issuer
	CodeStepStale        Code = "step-stale"          // iat too far from now
	CodeStepMismatch     Code = "step-mismatch"       // step or id not those of the endpoint
	CodeStepOutOfOrder   Code = "step-out-of-order"   // 409: this state does not take that step
	CodeUnknownEnrolment Code = "unknown-enrolment"   // 404
	CodeConflict         Code = "enrolment-conflict"  // 409: other content under the same id
	CodeEnrolmentEnded   Code = "enrolment-ended"     // 410: extension member "ended" says why
	CodeOpenApplication  Code = "open-application"    // 409: your turn; resend with replace
	CodeElementSuspected Code = "element-went-back"   // 409: ctr of a step not above the last seen
	CodeReceiptUnknown   Code = "unknown-receipt"     // 404
	CodeReceiptUnsigned  Code = "receipt-unsigned"    // 503
	CodeEnrolmentID      Code = "enrolment-id-format" // id is not 128 bits in base64url
)

// Codes of an application.
const (
	CodeApplicationMalformed   Code = "application-malformed"    // CMS or content cannot be read, or is not canonical
	CodeApplicationSignature   Code = "application-signature"    // the card's signature does not match
	CodeApplicationCertificate Code = "application-certificate"  // not a card's signature certificate of ours
	CodeApplicationTime        Code = "application-time"         // older or newer than ApplicationWindow
	CodeApplicationReplayed    Code = "application-replayed"     // its nonce was used by another enrolment
	CodeTermsOutdated          Code = "terms-outdated"           // your turn: read the current terms
	CodeDeviceKeyMismatch      Code = "device-key-mismatch"      // the application names another device key or enrolment
	CodeCertificateChoice      Code = "certificates-unsupported" // other certificates than the pair
	CodeUnder15                Code = "under-15"
	CodeNoSignature            Code = "no-signature-certificate" // nor is the holder under 15
	CodeCardRevoked            Code = "card-revoked"
	CodeCardHeld               Code = "card-held"
	CodeCardExpired            Code = "card-expired"
	CodeCardUnknown            Code = "card-unknown"
	CodePersonDied             Code = "person-not-registered"
)

// Codes of an attestation. Extension member "which" is "device", "auth" or
// "sign".
const (
	CodeAttestationMalformed  Code = "attestation-malformed"  // no chain, or no extension in it
	CodeAttestationRoot       Code = "attestation-root"       // the maker is not one we know
	CodeAttestationChallenge  Code = "attestation-challenge"  // made for another registration, or long ago
	CodeAttestationKey        Code = "attestation-key"        // of another key than the one requested or signing
	CodeAttestationLevel      Code = "attestation-level"      // not made in hardware of the required level
	CodeAttestationPurpose    Code = "attestation-purpose"    // may do more than sign
	CodeAttestationExportable Code = "attestation-exportable" // not generated inside, or may leave it
	CodeAttestationBoot       Code = "attestation-boot"       // unlocked, or not the maker's system
	CodeAttestationElement    Code = "attestation-element"    // not the element that applied
	CodeUnsupportedPhone      Code = "unsupported-phone"      // a model that is not on the list
)

// Codes of an application for a signature certificate alone.
const (
	CodeReissueElsewhere Code = "reissue-elsewhere"  // your turn: this phone is not the registered one
	CodeReissueNotNeeded Code = "reissue-not-needed" // 409: the signature certificate is good, or on hold
)

// Codes of a card's word.
const (
	CodeWordMalformed   Code = "word-malformed"    // CMS or content cannot be read, is not canonical, or for another purpose
	CodeWordSignature   Code = "word-signature"    // the card's signature does not match
	CodeWordCertificate Code = "word-certificate"  // not a card's authentication certificate of ours, or another person's
	CodeNothingToResume Code = "nothing-to-resume" // 409: neither lost nor suspected
	CodeNoPhone         Code = "no-phone"          // 404: this person has no registered phone
)

// Codes of the second channel's address.
const (
	CodeContactForm     Code = "contact-form"      // your turn: not one address of a mail
	CodeContactSame     Code = "contact-same"      // 409: notices go there already
	CodeNoContactChange Code = "contact-no-change" // 409: nothing is to change that could be taken back
)

// Codes of keys, registration and suspension.
const (
	CodeCSR                  Code = "csr-invalid"           // not a PKCS#10 request, or not signed by its own key
	CodeKeyUnsuitable        Code = "key-unsuitable"        // not RSA-2048, or the same key twice, or one certified before
	CodeCertificatesMismatch Code = "certificates-mismatch" // not the two that were issued
	CodeLockCodeVerifier     Code = "lock-code-verifier"    // other salt, cost or size than asked for
	CodeLockCodeFormat       Code = "lock-code-format"      // your turn: no birth date, or not 11 digits
	CodeLockCodeDigit        Code = "lock-code-digit"       // your turn: 11 digits, one of them mistyped
	CodeLockCodeWrong        Code = "lock-code-wrong"       // extension member "tries_left"
	CodeTooManyTries         Code = "lock-code-tries"       // 429, extension member "retry_after" in seconds
	CodeSuspensionLimit      Code = "suspension-limit"      // 429: stopped too often; extension member "retry_after" in seconds
	CodeCAUnavailable        Code = "authority-unavailable" // could not check or sign: try again
)

// Codes of the helpdesk's doors.
const (
	CodeFactsForm     Code = "facts-form"             // your turn: one of the four is missing or has no form
	CodeFactsWrong    Code = "facts-not-matched"      // no registered phone of a person with these four; extension member "tries_left"
	CodeFactsTries    Code = "facts-tries"            // 429, extension member "retry_after" in seconds
	CodeSupportNumber Code = "support-number-unknown" // 404: none is open with this number, or not any more
	CodeSupportTries  Code = "support-number-tries"   // 429
	CodeReportUnknown Code = "report-unknown"         // 404: none was made with this name, or long ago
)

// Codes of the doors.
const (
	CodeCaller             Code = "caller-unknown"       // 401: no valid client assertion
	CodeCallerRole         Code = "caller-role"          // 403: a party, but not of the role this door is for
	CodeBadRequest         Code = "bad-request"          // 400: a field is missing or of the wrong form
	CodeIssuanceConflict   Code = "issuance-conflict"    // 409: other content under the same id
	CodeEventConflict      Code = "event-conflict"       // 409
	CodeUnknownPerson      Code = "unknown-person"       // 404
	CodeUnknownCard        Code = "unknown-card"         // 404
	CodeUnknownCertificate Code = "unknown-certificate"  // 404: not one of ours
	CodeReleaseInvalid     Code = "release-invalid"      // not the holder's signature, not for this verifier, or out of time
	CodeReleaseCertificate Code = "release-certificate"  // revoked, on hold or expired
	CodeGrantInvalid       Code = "grant-invalid"        // not for this party, used, or out of time
	CodeEventNotApplicable Code = "event-not-applicable" // 409: e.g. found, but not lost
)

// Codes of people who trust each other.
const (
	CodeTrustUnknown     Code = "trust-unknown"     // 404: no such relation of this person's, or not in a state for this step
	CodeTrustedLimit     Code = "trusted-limit"     // 409: three are trusted or invited
	CodeTrustedAlready   Code = "trusted-already"   // 409: these two have a relation
	CodeCallName         Code = "call-name"         // your turn: what people call each other has 1 to 20 letters
	CodeInvitationFormat Code = "invitation-format" // your turn: not 9 digits
	CodeInvitationDigit  Code = "invitation-digit"  // your turn: 9 digits, one of them mistyped
	CodeInvitationWrong  Code = "invitation-wrong"  // extension member "tries_left"
	CodeInvitationOwn    Code = "invitation-own"    // 409: typed by who made it
	CodeInvitationTries  Code = "invitation-tries"  // 429, extension member "retry_after" in seconds
)
