/** One object per tenant: turns attached files into passages. */
export interface IngestorObject {
  /** Work waits for it in `store_files`. Returns before the work is done. */
  wake(tenantId: number): Promise<void>;
}
