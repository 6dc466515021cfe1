using System.Net.NetworkInformation;
using Bulkhead.Agent.Linux;

namespace Bulkhead.Agent.Reporting;

/// <summary>Knows the host's addresses, and when they change.</summary>
internal sealed class AddressWatch : IDisposable
{
    private readonly Action<HostAddresses> _changed;
    private readonly Lock _gate = new();
    private HostAddresses _current;

    /// <summary>Reads them and begins to watch.</summary>
    /// <param name="changed">Is given the addresses, at once and after each change.</param>
    public AddressWatch(Action<HostAddresses> changed)
    {
        _changed = changed;
        // Subscribed first, so that no change falls in between.
        NetworkChange.NetworkAddressChanged += Read;
        _current = HostAddresses.Read();
        changed(_current);
    }

    /// <summary>The addresses now.</summary>
    public HostAddresses Current => Volatile.Read(ref _current);

    /// <inheritdoc/>
    public void Dispose() => NetworkChange.NetworkAddressChanged -= Read;

    private void Read(object? sender, EventArgs args)
    {
        lock (_gate)
        {
            var addresses = HostAddresses.Read();
            if (!addresses.Equals(_current))
            {
                Volatile.Write(ref _current, addresses);
                _changed(addresses);
            }
        }
    }
}
