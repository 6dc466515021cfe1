using Bulkhead.Contracts.Agent;
using Google.Protobuf;

namespace Bulkhead.Agent.Spool;

/// <summary>
/// Cuts a window that is larger than the controller takes into several batches of the same window. Each flow and scan is in exactly one of them, with its
/// process and its address's name; what is counted for the window as a whole is in the first.
/// </summary>
internal static class BatchParts
{
    /// <summary>Bytes of a part at most; the controller takes 8 MiB, of which what is added on the way needs a little.</summary>
    public const int Largest = 7 << 20;

    // A message's tag and length within the batch.
    private const int Around = 8;

    /// <summary>The parts; the batch itself if it is small enough, else it is used up.</summary>
    /// <param name="whole">The window.</param>
    /// <param name="largest">Bytes of a part at most, unless a single flow needs more.</param>
    public static IReadOnlyList<FlowBatch> Of(FlowBatch whole, int largest = Largest)
    {
        if (whole.CalculateSize() <= largest)
        {
            return [whole];
        }

        var names = whole.Names.ToDictionary(name => name.Address);
        var parts = new List<Part> { new(whole, names, isFirst: true) };
        foreach (var flow in whole.Flows)
        {
            PartFor([flow], flow.CalculateSize()).Add(flow);
        }

        foreach (var scan in whole.Scans)
        {
            PartFor(scan.Samples, scan.CalculateSize(), scan.Process).Add(scan);
        }

        return [.. parts.Select(part => part.Batch)];

        Part PartFor(IReadOnlyList<FlowSummary> flows, int size, uint process = 0)
        {
            if (!parts[^1].TakesWithin(largest, flows, size, process))
            {
                parts.Add(new(whole, names, isFirst: false));
                _ = parts[^1].TakesWithin(int.MaxValue, flows, size, process);
            }

            return parts[^1];
        }
    }

    private sealed class Part
    {
        private readonly FlowBatch _whole;
        private readonly Dictionary<ByteString, AddressName> _names;
        private readonly Dictionary<uint, uint> _processes = [];
        private readonly HashSet<ByteString> _named = [];
        private int _size;

        public Part(FlowBatch whole, Dictionary<ByteString, AddressName> names, bool isFirst)
        {
            (_whole, _names) = (whole, names);
            Batch = new FlowBatch { WindowUnixMs = whole.WindowUnixMs, WindowMs = whole.WindowMs };
            if (isFirst)
            {
                (Batch.LostEvents, Batch.IncompleteConnections, Batch.UnnamedConnections) = (whole.LostEvents, whole.IncompleteConnections, whole.UnnamedConnections);
            }

            _size = Batch.CalculateSize();
        }

        public FlowBatch Batch { get; }

        private bool IsEmpty => Batch.Flows.Count == 0 && Batch.Scans.Count == 0;

        /// <summary>Whether it takes something; then that is to be added next, and what it refers to is in the part already.</summary>
        public bool TakesWithin(int largest, IReadOnlyList<FlowSummary> flows, int size, uint process)
        {
            var processes = flows.Select(flow => flow.Process).Append(process).Where(index => index > 0 && !_processes.ContainsKey(index)).Distinct().ToList();
            var named = flows.Select(flow => flow.RemoteAddress).Where(address => _names.ContainsKey(address) && !_named.Contains(address)).Distinct().ToList();
            var more = size + Around + processes.Sum(index => ProcessOf(index).CalculateSize() + Around) + named.Sum(address => _names[address].CalculateSize() + Around);
            if (!IsEmpty && _size + more > largest)
            {
                return false;
            }

            _size += more;
            foreach (var index in processes)
            {
                Batch.Processes.Add(ProcessOf(index));
                _processes[index] = (uint)Batch.Processes.Count;
            }

            foreach (var address in named)
            {
                _named.Add(address);
                Batch.Names.Add(_names[address]);
            }

            return true;
        }

        public void Add(FlowSummary flow) => Batch.Flows.Add(Mine(flow));

        public void Add(ScanSummary scan)
        {
            scan.Process = scan.Process > 0 ? _processes[scan.Process] : 0;
            foreach (var flow in scan.Samples)
            {
                Mine(flow);
            }

            Batch.Scans.Add(scan);
        }

        private FlowSummary Mine(FlowSummary flow)
        {
            flow.Process = flow.Process > 0 ? _processes[flow.Process] : 0;
            return flow;
        }

        private ProcessInfo ProcessOf(uint index) => _whole.Processes[(int)index - 1];
    }
}
