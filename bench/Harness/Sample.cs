namespace Bulkhead.Bench.Harness;

/// <summary>How much was done.</summary>
/// <param name="PerSecond">By the clock; less if other programs use the machine meanwhile.</param>
/// <param name="PerProcessorSecond">
/// By the processor time that it took: the load's, the kernel's packet handling in it, and the agents'. Other programs hardly change it.
/// </param>
internal readonly record struct Sample(double PerSecond, double PerProcessorSecond);
