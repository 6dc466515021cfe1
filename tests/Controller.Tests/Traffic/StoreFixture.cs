using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bulkhead.Controller.Tests.Traffic;

/// <summary>A flow store on real files in a folder of its own, with a clock that stands still until moved.</summary>
internal sealed class StoreFixture : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead-flows-").FullName;
    private FlowStore? _store;

    public static DateTimeOffset Start { get; } = new(2026, 11, 22, 8, 0, 0, TimeSpan.Zero);

    public FakeClock Time { get; private init; } = new(Start);

    public string Folder => Path.Combine(_folder, "flows");

    public FlowStoreOptions Options { get; set; } = new("");

    public long Now => Time.GetUtcNow().ToUnixTimeMilliseconds();

    public FlowStore Store => _store ??= new(Options with { Folder = Folder, CheckpointEvery = Timeout.InfiniteTimeSpan }, Time, () => { }, NullLogger.Instance);

    /// <summary>Closes the store in good order and opens it again.</summary>
    public async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        _store = null;
    }

    /// <summary>Opens a copy of the files as they are now, as a process finds them after the one before it was killed.</summary>
    public StoreFixture Killed()
    {
        var copy = new StoreFixture { Options = Options, Time = new(Time.GetUtcNow()) };
        Directory.CreateDirectory(copy.Folder);
        foreach (var file in Directory.EnumerateFiles(Folder).Where(file => !file.EndsWith("-shm", StringComparison.Ordinal)))
        {
            File.Copy(file, Path.Combine(copy.Folder, Path.GetFileName(file)));
        }

        return copy;
    }

    public Task SubmitAsync(SightingBatch batch) => Store.TrySubmit(batch) ?? throw new InvalidOperationException("The store is busy.");

    public Task SubmitAsync(ulong sequence, params Sighting[] sightings) => SubmitAsync(Batch(sequence, sightings));

    public SightingBatch Batch(ulong sequence, params Sighting[] sightings) =>
        new(Agents.A, AddressSpace.Default, 7, sequence, Now, default, sightings);

    /// <summary>A sighting that ends now.</summary>
    public Sighting Seen(
        string source, string destination, ushort port, FlowSide side = FlowSide.Source, SeenProcess? process = null, long connections = 1, long bytes = 100, bool blocked = false, long by = 0) => new()
    {
        Source = IpAddress.Parse(source),
        Destination = IpAddress.Parse(destination),
        Protocol = IpProtocol.Tcp,
        Port = port,
        Side = side,
        Process = process,
        Blocked = blocked,
        DecidedBy = by,
        First = Now,
        Last = Now,
        Connections = connections,
        BytesOut = bytes,
    };

    public TrafficSample LastHour() => Store.Sample(Time.GetUtcNow() - TimeSpan.FromHours(1), Time.GetUtcNow() + TimeSpan.FromSeconds(1));

    public EdgeTraffic OnlyEdge() => Assert.Single(LastHour().Edges);

    public async ValueTask DisposeAsync()
    {
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>Agents of the tests.</summary>
internal static class Agents
{
    public static Guid A { get; } = new("aaaaaaaa-0000-0000-0000-000000000000");

    public static Guid B { get; } = new("bbbbbbbb-0000-0000-0000-000000000000");
}
