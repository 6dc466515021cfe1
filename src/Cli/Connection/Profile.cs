namespace Bulkhead.Cli.Connection;

/// <summary>A sign-in: which controller, which authority vouches for it, and the key that speaks for a person.</summary>
/// <param name="Url">Base address, such as <c>https://127.0.0.1:8443/</c>.</param>
/// <param name="Authority">The controller's CA certificate, PEM; the only one trusted.</param>
/// <param name="User">Who signed in.</param>
/// <param name="KeyId">The API key made at sign-in, which signing out revokes; null if the key was brought along.</param>
/// <param name="Key">The API key's secret.</param>
internal sealed record Profile(Uri Url, string Authority, string User, Guid? KeyId, string Key);
