// Unlocks with the device's own screen lock (WebAuthn). What it answers goes to the phone with the form, which checks
// it; that it did not answer goes there too, and the next page says so in words.
'use strict'
const bytes = (s) => Uint8Array.from(atob(s), (c) => c.charCodeAt(0))
const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b)))

// able tells whether this browser can ask the device's lock.
const able = async () => {
  try { return isSecureContext && await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable() } catch { return false }
}
able().then((yes) => {
  for (const el of document.querySelectorAll('[data-lock]')) el.hidden = !yes
  for (const el of document.querySelectorAll('[data-lock-none]')) el.hidden = yes
  if (yes) for (const el of document.querySelectorAll('[data-lock-other]')) el.open = false // one press away
})

// give sends the form with what the lock answered in place of what would be typed.
const give = (form, answer) => {
  for (const [name, value] of [['lock', JSON.stringify(answer)], ['decision', 'approve']]) {
    const field = document.createElement('input')
    field.type = 'hidden'
    field.name = name
    field.value = value
    form.append(field)
  }
  form.noValidate = true // nothing is typed
  form.requestSubmit()
}

// ask has the lock asked once, says so meanwhile, and sends what came of it.
const ask = (button, what) => button.addEventListener('click', async () => {
  const form = button.form
  const box = button.closest('[data-lock]')
  const open = form.querySelector('input[type=radio]:required:invalid')
  if (open) { open.reportValidity(); return } // before a try is used
  if (button.getAttribute('aria-busy')) return
  button.setAttribute('aria-busy', 'true')
  box.querySelector('[data-lock-wait]').hidden = false
  let answer
  try { answer = await what(box.dataset) } catch (e) { answer = { failed: String(e.name) } }
  give(form, answer)
})

for (const b of document.querySelectorAll('[data-lock-use]')) {
  ask(b, async (data) => {
    const r = await fetch(data.url, { method: 'POST', body: new URLSearchParams({ ask: data.ask }) })
    if (!r.ok) throw new Error('refused')
    const c = await r.json()
    const { rawId, response } = await navigator.credentials.get({
      publicKey: {
        challenge: bytes(c.challenge), rpId: c.rp, userVerification: 'required', timeout: 55000,
        allowCredentials: [{ type: 'public-key', id: bytes(c.credential), transports: ['internal'] }],
      },
    })
    return {
      id: text(rawId), client_data: text(response.clientDataJSON),
      authenticator_data: text(response.authenticatorData), signature: text(response.signature),
    }
  })
}

for (const b of document.querySelectorAll('[data-lock-create]')) {
  ask(b, async (data) => {
    const made = await navigator.credentials.create({
      publicKey: {
        challenge: bytes(data.challenge), rp: { id: data.rp, name: 'Tegata' }, timeout: 110000, attestation: 'none',
        user: { id: bytes(data.user), name: data.name, displayName: data.name },
        pubKeyCredParams: [{ type: 'public-key', alg: -7 }, { type: 'public-key', alg: -257 }],
        authenticatorSelection: { authenticatorAttachment: 'platform', residentKey: 'discouraged', userVerification: 'required' },
      },
    })
    return { client_data: text(made.response.clientDataJSON), object: text(made.response.attestationObject), attachment: made.authenticatorAttachment ?? '' }
  })
}
