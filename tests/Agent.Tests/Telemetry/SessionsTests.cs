using Bulkhead.Agent.Telemetry;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Tests.Telemetry;

/// <summary>Where connections were agreed upon: a call's sound, expected by the call, which its registration expects.</summary>
public sealed class SessionsTests
{
    private static readonly IpAddress _phone = IpAddress.Parse("10.0.0.2");
    private static readonly IpAddress _exchange = IpAddress.Parse("10.0.0.1");
    private static readonly FlowTuple _registration = new(IpProtocol.Udp, _phone, 40000, _exchange, 8060);
    private static readonly FlowTuple _call = new(IpProtocol.Udp, _exchange, 5060, _phone, 40000);
    private static readonly FlowTuple _sound = new(IpProtocol.Udp, _phone, 30000, _exchange, 30002);

    // Behind translation the exchange serves port 5060.
    private static readonly ConntrackRecord[] _held =
    [
        new(ConntrackEvent.Present, 1, IpProtocol.Udp, _phone, 40000, _exchange, 5060, false, default, _registration),
        new(ConntrackEvent.Present, 2, IpProtocol.Udp, _exchange, 5060, _phone, 40000, false, default, _call, Parent: _registration),
    ];

    [Fact]
    public void It_is_the_first_of_several_generations_at_the_port_that_the_provider_serves() =>
        Assert.Equal(new Session(_phone, IpProtocol.Udp, 5060), Of(Sound(_call), _held));

    [Fact]
    public void Of_what_is_over_its_first_packet_tells() =>
        Assert.Equal((new Session(_phone, IpProtocol.Udp, 8060), new Session(_exchange, IpProtocol.Udp, 40000)), (Of(Sound(_call), _held[1]), Of(Sound(_call))));

    [Fact]
    public void What_nobody_expected_has_none() => Assert.Null(Of(Sound(null), _held));

    [Fact]
    public void Those_that_say_to_stem_from_each_other_end_it() =>
        Assert.NotNull(Of(Sound(_call), _held[0] with { Parent = _call }, _held[1]));

    private static Session? Of(ConntrackRecord record, params ConntrackRecord[] held) =>
        new Sessions((packet, _) => held.Where(one => one.Original == packet).Select(one => (ConntrackRecord?)one).FirstOrDefault()).Of(record);

    private static ConntrackRecord Sound(FlowTuple? parent) =>
        new(ConntrackEvent.New, 3, IpProtocol.Udp, _phone, 30000, _exchange, 30002, false, default, _sound, Parent: parent);
}
