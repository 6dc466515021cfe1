using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.PolicyFiles.Inventory;

/// <summary>Reads addresses as an inventory has them: plain, or <c>SPACE/ADDRESS</c>.</summary>
internal static class ScopedAddressText
{
    /// <summary>The address, in a space of its own or the usual one; null if it is none, which is added to the problems.</summary>
    public static ScopedAddress? Parse(string text, string usualSpace, string path, ICollection<Diagnostic> problems)
    {
        var slash = text.LastIndexOf('/');
        if (IpAddress.TryParse(text.AsSpan(slash + 1), out var address))
        {
            return new(new(slash < 0 ? usualSpace : text[..slash]), address);
        }

        problems.Add(Diagnostic.Error("bad-address", path, $"'{text}' is not an address. Write 192.0.2.7 or 2001:db8::7; in another space than the workload's, SPACE/192.0.2.7."));
        return null;
    }
}
